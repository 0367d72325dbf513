import { describe, expect, it } from "vitest";
import { mentions } from "./mentions";

describe("mentions", () => {
  it("finds incidents by both of their names, and nothing else", () => {
    const text = "merged into INC-7 with 2 alerts, as recurrence of incident 12; #3 and WINC-4 are none";
    const parts = mentions(text);
    expect(parts.map((part) => part.text).join("")).toBe(text);
    expect(parts.map((part) => part.incident).filter((number) => number !== undefined)).toEqual([7, 12]);
    expect(parts.every((part) => text.startsWith(part.text, part.at))).toBe(true);
  });

  it("leaves a text without any as it is", () => {
    expect(mentions("disk is full")).toEqual([{ at: 0, text: "disk is full" }]);
    expect(mentions("")).toEqual([]);
  });
});
