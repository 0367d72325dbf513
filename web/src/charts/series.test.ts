import { expect, test } from "vitest";
import { seriesNames } from "./names";
import { append, reduce, stack, statsOf } from "./series";

test("newer points go behind older ones, and what is too old is cut", () => {
  const old = { times: [1, 2, 3], series: [{ name: "a", values: [1, 2, 3] }] };
  const delta = {
    times: [4, 5],
    series: [
      { name: "a", values: [4, null] },
      { name: "b", values: [9, 9] },
    ],
  };
  expect(append(old, delta, 2)).toEqual({
    times: [2, 3, 4, 5],
    series: [
      { name: "a", values: [2, 3, 4, null] },
      { name: "b", values: [null, null, 9, 9] },
    ],
  });
});

test("points that come again replace the earlier ones", () => {
  const old = { times: [1, 2, 3], series: [{ name: "a", values: [1, 2, 3] }] };
  expect(append(old, { times: [3], series: [{ name: "a", values: [7] }] }, 0).series[0]?.values).toEqual([
    1, 2, 7,
  ]);
  expect(append(old, { times: [], series: [] }, 0).times).toEqual([1, 2, 3]);
});

test("a stack is a gap only where all are", () => {
  const stacked = stack([
    { name: "a", values: [1, null, null] },
    { name: "b", values: [2, 2, null] },
  ]);
  expect(stacked).toEqual([
    [1, null, null],
    [3, 2, null],
  ]);
});

test("many series are reduced to the highest, in their order", () => {
  const many = Array.from({ length: 9 }, (_, index) => ({ name: `s${index}`, values: [index] }));
  const { shown, hidden } = reduce(many, false);
  expect(shown.map((one) => one.name)).toEqual(["s3", "s4", "s5", "s6", "s7", "s8"]);
  expect(hidden).toBe(3);
  const summed = reduce(many, true).shown;
  expect(summed.at(-1)).toEqual({ name: "other (4)", values: [0 + 1 + 2 + 3] });
});

test("statistics leave gaps out", () => {
  expect(statsOf([1, null, 3, null])).toEqual({ last: 3, min: 1, max: 3, mean: 2 });
  expect(statsOf([null]).last).toBeNull();
});

test("series are named by what tells them apart, never twice alike", () => {
  const series = (labels: Record<string, string>) => ({ labels, values: [] });
  expect(
    seriesNames([
      series({ instance: "a", job: "node", mountpoint: "/" }),
      series({ instance: "a", job: "node", mountpoint: "/var" }),
    ]).map((one) => one.name),
  ).toEqual(["/", "/var"]);
  expect(seriesNames([series({ instance: "a" })])[0]?.name).toBe("a");
  expect(new Set(seriesNames([series({}), series({})]).map((one) => one.name)).size).toBe(2);
});
