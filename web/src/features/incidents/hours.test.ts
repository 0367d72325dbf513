import { expect, test } from "vitest";
import { hourWords } from "./hours";

test("hours with interruptions are named, others are not", () => {
  const hours = Array.from({ length: 24 }, () => 0);
  expect(hourWords(hours)).toBe("none");
  hours[3] = 5;
  hours[14] = 1;
  expect(hourWords(hours)).toBe("03:00: 5, 14:00: 1");
});
