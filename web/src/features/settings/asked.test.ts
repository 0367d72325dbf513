import { describe, expect, it } from "vitest";
import { askedWords } from "./asked";

describe("whom a step pages", () => {
  it("is all of them, or one by turns", () => {
    expect(askedWords(["ann", "ben"], "all")).toBe("ann, ben");
    expect(askedWords(["ann", "ben"], undefined)).toBe("ann, ben");
    expect(askedWords(["ann", "ben"], "round_robin")).toBe("one of ann, ben by turns");
    expect(askedWords(["ann"], "round_robin")).toBe("ann");
    expect(askedWords([], "round_robin")).toBe("nobody");
  });
});
