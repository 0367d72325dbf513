// Range queries in Prometheus' own JSON, turned into columns that share their times.
import { fetchJson } from "./client";

export interface SeriesColumn {
  labels: Record<string, string>;
  values: (number | null)[];
}

export interface RangeResult {
  times: number[];
  series: SeriesColumn[];
}

interface MatrixEntry {
  metric: Record<string, string>;
  values: [number, string][];
}

/** Rows of a matrix onto the grid `from, from+step, ...`; a missing sample stays a gap. */
export function toColumns(matrix: MatrixEntry[], from: number, to: number, step: number): RangeResult {
  const times: number[] = [];
  for (let t = from; t <= to + step / 1000; t += step) times.push(t);
  const series = matrix.map(({ metric, values }) => {
    const column: (number | null)[] = new Array(times.length).fill(null);
    for (const [t, text] of values) {
      const index = Math.round((t - from) / step);
      const value = Number(text);
      if (index >= 0 && index < column.length && Number.isFinite(value)) column[index] = value;
    }
    return { labels: metric, values: column };
  });
  return { times, series };
}

export async function queryRange(
  expr: string,
  from: number,
  to: number,
  step: number,
  signal?: AbortSignal,
): Promise<RangeResult> {
  const query = new URLSearchParams({
    query: expr,
    start: String(from),
    end: String(to),
    step: String(step),
  });
  const answer = (await fetchJson(`/prometheus/api/v1/query_range?${query}`, { signal })) as {
    data?: { resultType?: string; result?: MatrixEntry[] };
  };
  return toColumns(answer.data?.result ?? [], from, to, step);
}
