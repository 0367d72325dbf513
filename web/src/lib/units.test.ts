import { expect, test } from "vitest";
import {
  formatBytes,
  formatPercent,
  formatSeconds,
  formatUnit,
  NONE,
  parseSeconds,
  writeSeconds,
} from "./units";

test("bytes are binary and keep three digits", () => {
  expect(formatBytes(0)).toBe("0 B");
  expect(formatBytes(1023)).toBe("1023 B");
  expect(formatBytes(1536)).toBe("1.5 KiB");
  expect(formatBytes(16 * 1024 ** 3)).toBe("16 GiB");
});

test("a missing value is never a zero", () => {
  expect(formatBytes(null)).toBe(NONE);
  expect(formatPercent(Number.NaN)).toBe(NONE);
  expect(formatUnit(undefined, "celsius")).toBe(NONE);
  expect(formatPercent(0)).toBe("0 %");
});

test("lengths of time change unit where people do", () => {
  expect(formatSeconds(0.0421)).toBe("42.1 ms");
  expect(formatSeconds(59)).toBe("59 s");
  expect(formatSeconds(190)).toBe("3m 10s");
  expect(formatSeconds(7500)).toBe("2h 5m");
  expect(formatSeconds(200_000)).toBe("2d 7h");
});

test("typed times are read and written back", () => {
  expect(parseSeconds("1h30m")).toBe(5400);
  expect(parseSeconds(" 90 ")).toBe(90);
  expect(parseSeconds("5 m")).toBe(300);
  expect(parseSeconds("soon")).toBeUndefined();
  expect(parseSeconds("5m later")).toBeUndefined();
  for (const seconds of [1, 60, 90, 3600, 5400, 86_400, 90_061]) {
    expect(parseSeconds(writeSeconds(seconds))).toBe(seconds);
  }
});
