import { describe, expect, it } from "vitest";
import type { Incident } from "@/api/types";
import { mergeTarget } from "./groups";

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
