import { expect, test } from "vitest";
import { isLive, resolveTime, stepSeconds } from "./range";
import { formatAgo, formatCountdown } from "./time";

const NOW = Date.parse("2026-11-24T22:00:00.000Z");

test("relative times name one unit", () => {
  expect(formatAgo("2026-11-24T21:59:59.500Z", NOW)).toBe("just now");
  expect(formatAgo("2026-11-24T21:59:48.000Z", NOW)).toBe("12 s ago");
  expect(formatAgo("2026-11-24T19:00:00.000Z", NOW)).toBe("3 h ago");
  expect(formatAgo("2026-11-24T22:03:00.000Z", NOW)).toBe("in 3 m");
});

test("a countdown ends at now and never shows a negative clock", () => {
  expect(formatCountdown("2026-11-24T22:03:10.000Z", NOW)).toBe("3:10");
  expect(formatCountdown("2026-11-24T23:04:00.000Z", NOW)).toBe("1:04:00");
  expect(formatCountdown("2026-11-24T21:59:00.000Z", NOW)).toBe("now");
});

test("ranges of the address bar", () => {
  expect(resolveTime("now-1h", 10_000)).toBe(6400);
  expect(resolveTime("2026-11-24T22:00:00Z", 0)).toBe(NOW / 1000);
  expect(resolveTime("yesterday", 0)).toBeUndefined();
  expect(isLive({ from: "now-1h", to: "now" })).toBe(true);
  expect(isLive({ from: "2026-11-24T22:00:00Z", to: "now" })).toBe(false);
});

test("a range asks for at most 450 points or one per second", () => {
  expect(stepSeconds({ from: "now-5m", to: "now" })).toBe(1);
  expect(stepSeconds({ from: "now-15m", to: "now" })).toBe(2);
  for (const from of ["now-1h", "now-6h", "now-24h", "now-7d", "now-15d", "now-90d", "now-365d"]) {
    const [start, step] = [resolveTime(from, 0) ?? 0, stepSeconds({ from, to: "now" })];
    expect(-start / step).toBeLessThanOrEqual(450);
  }
});
