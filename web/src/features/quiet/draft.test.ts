import { describe, expect, it } from "vitest";
import { draftOf, durationProblem, inputOf } from "./draft";

const NOW = Date.parse("2026-11-30T10:00:00Z");

describe("a maintenance window", () => {
  it("begins as one that comes each week, in the zone of whoever looks", () => {
    const draft = { ...draftOf(undefined, "Europe/Berlin", NOW), name: " weekly ", matchers: 'a="b"' };
    expect(inputOf(draft)).toEqual({
      name: "weekly",
      matchers: 'a="b"',
      comment: "",
      notify: [],
      enabled: true,
      cron: "30 2 * * sun",
      timezone: "Europe/Berlin",
      duration_seconds: 7200,
    });
  });

  it("that comes once has a begin and an end, and nothing of the other kind", () => {
    const draft = { ...draftOf(undefined, "UTC", NOW), recurring: false };
    const input = inputOf(draft);
    expect(Date.parse(input.starts_at ?? "")).toBe(NOW);
    expect(Date.parse(input.ends_at ?? "")).toBe(NOW + 7_200_000);
    expect(input).not.toHaveProperty("cron");
  });

  it("wants a duration that is one", () => {
    const draft = draftOf(undefined, "UTC", NOW);
    expect(durationProblem(draft)).toBeUndefined();
    expect(durationProblem({ ...draft, duration: "long" })).toMatch(/unit/);
    expect(durationProblem({ ...draft, duration: "long", recurring: false })).toBeUndefined();
  });
});
