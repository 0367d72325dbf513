import { describe, expect, it } from "vitest";
import { draftOf, inputOf, missingIn } from "./heartbeat";

describe("the form of a heartbeat", () => {
  it("asks for a name, a time and durations that can be read", () => {
    const draft = { ...draftOf(), name: "backup" };
    expect(missingIn(draftOf())).toBe("Enter a name.");
    expect(missingIn(draft)).toBeUndefined();
    expect(missingIn({ ...draft, period: "soon" })).toMatch(/durations/);
    expect(missingIn({ ...draft, by: "cron" })).toMatch(/when it runs/);
    expect(missingIn({ ...draft, by: "cron", cron: "@daily", period: "soon" })).toBeUndefined();
  });

  it("sends either a period or a cron expression, and a slug only below an integration", () => {
    const draft = {
      ...draftOf(),
      name: " backup ",
      cron: "30 3 * * *",
      timezone: "Europe/Berlin",
      slug: "b",
    };
    expect(inputOf(draft)).toMatchObject({
      name: "backup",
      period_seconds: 86_400,
      cron: null,
      timezone: null,
    });
    expect(inputOf(draft).slug).toBeNull();
    const clock = inputOf({ ...draft, by: "cron", integration: "i" });
    expect(clock).toMatchObject({
      period_seconds: null,
      cron: "30 3 * * *",
      timezone: "Europe/Berlin",
      slug: "b",
    });
  });
});
