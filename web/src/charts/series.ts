// Columns of numbers that share their times: appended live, reduced to what can be told apart, stacked for drawing.

export interface Series {
  name: string;
  values: (number | null)[];
}

export interface Columns {
  times: number[];
  series: Series[];
}

/** Lines that can be told apart; the rest is summed up as "other" where a sum has a meaning. */
export const SERIES_MAX = 6;

/** Newer columns behind older ones, cut before `from`. Later points win; a series that is missing on one side is a gap there. */
export function append(old: Columns, delta: Columns, from: number): Columns {
  const first = delta.times[0] ?? Number.POSITIVE_INFINITY;
  const kept: number[] = [];
  old.times.forEach((t, index) => {
    if (t >= from && t < first) kept.push(index);
  });
  const names = [...new Set([...old.series, ...delta.series].map((series) => series.name))];
  const valuesOf = (columns: Columns, name: string) =>
    columns.series.find((series) => series.name === name)?.values;
  return {
    times: [...kept.map((index) => old.times[index] as number), ...delta.times],
    series: names.map((name) => {
      const [before, after] = [valuesOf(old, name), valuesOf(delta, name)];
      return {
        name,
        values: [
          ...kept.map((index) => before?.[index] ?? null),
          ...delta.times.map((_, index) => after?.[index] ?? null),
        ],
      };
    }),
  };
}

export function last(values: readonly (number | null)[]): number | null {
  for (let index = values.length - 1; index >= 0; index -= 1) {
    const value = values[index];
    if (value != null) return value;
  }
  return null;
}

export interface Stats {
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
}

export function statsOf(values: readonly (number | null)[]): Stats {
  let [min, max, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const value of values) {
    if (value == null) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    count += 1;
  }
  if (count === 0) return { last: null, min: null, max: null, mean: null };
  return { last: last(values), min, max, mean: sum / count };
}

/** At most `SERIES_MAX` series: those with the highest peaks in their old order; with `sum`, the rest as "other". */
export function reduce(series: readonly Series[], sum: boolean): { shown: Series[]; hidden: number } {
  if (series.length <= SERIES_MAX) return { shown: [...series], hidden: 0 };
  const keep = sum ? SERIES_MAX - 1 : SERIES_MAX;
  const peak = (one: Series) => statsOf(one.values).max ?? Number.NEGATIVE_INFINITY;
  const top = new Set([...series].sort((a, b) => peak(b) - peak(a)).slice(0, keep));
  const shown = series.filter((one) => top.has(one));
  const rest = series.filter((one) => !top.has(one));
  if (!sum) return { shown, hidden: rest.length };
  return { shown: [...shown, { name: `other (${rest.length})`, values: addUp(rest) }], hidden: 0 };
}

function addUp(series: readonly Series[]): (number | null)[] {
  const length = series[0]?.values.length ?? 0;
  return Array.from({ length }, (_, index) => {
    const present = series.map((one) => one.values[index]).filter((value) => value != null);
    return present.length > 0 ? present.reduce((total, value) => total + value, 0) : null;
  });
}

/** Each series on top of those before it; a point is a gap only where every series has none. */
export function stack(series: readonly Series[]): (number | null)[][] {
  const length = series[0]?.values.length ?? 0;
  const base: (number | null)[] = new Array(length).fill(null);
  return series.map((one) =>
    one.values.map((value, index) => {
      if (value != null) base[index] = (base[index] ?? 0) + value;
      return base[index] ?? null;
    }),
  );
}
