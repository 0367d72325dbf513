import { describe, expect, it } from "vitest";
import type { Incident } from "@/api/types";
import { canReopen, mergeTarget } from "./groups";

const incident = (number: number, severity: Incident["severity"], minute: number) =>
  ({ number, severity, triggered_at: `2026-11-30T10:${minute}:00.000Z` }) as Incident;

describe("what several incidents go on in", () => {
  it("is the worst, and of those the oldest", () => {
    const several = [incident(1, "warning", 10), incident(3, "error", 30), incident(2, "error", 20)];
    expect(mergeTarget(several)?.number).toBe(2);
    expect(several.map(({ number }) => number)).toEqual([1, 3, 2]);
    expect(mergeTarget([])).toBeUndefined();
  });
});

describe("what is over", () => {
  const over = {
    ...incident(1, "error", 10),
    state: "resolved",
    resolved_at: "2026-11-30T10:00:00.000Z",
  } as Incident;
  const at = (clock: string) => Date.parse(clock);

  it("can be opened again within a day, unless it goes on in another one", () => {
    expect(canReopen(over, at("2026-12-01T09:59:00.000Z"))).toBe(true);
    expect(canReopen(over, at("2026-12-01T10:00:00.000Z"))).toBe(false);
    expect(canReopen({ ...over, merged_into: 7 }, at("2026-11-30T10:01:00.000Z"))).toBe(false);
    expect(canReopen({ ...over, state: "triggered" }, at("2026-11-30T10:01:00.000Z"))).toBe(false);
  });
});
