// A time range as it stands in the URL: `now-1h` to `now`, or RFC 3339.

export interface Range {
  from: string;
  to: string;
}

export const PRESETS = [
  { from: "now-5m", label: "5 min" },
  { from: "now-15m", label: "15 min" },
  { from: "now-1h", label: "1 hour" },
  { from: "now-6h", label: "6 hours" },
  { from: "now-24h", label: "24 hours" },
  { from: "now-7d", label: "7 days" },
  { from: "now-15d", label: "15 days" },
  { from: "now-90d", label: "90 days" },
  { from: "now-365d", label: "1 year" },
] as const;

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Unix seconds of `now`, `now-1h` or an RFC 3339 time; undefined when it is none of them. */
export function resolveTime(text: string, nowSeconds: number): number | undefined {
  if (text === "now") return nowSeconds;
  const relative = /^now-(\d+)([smhdw])$/.exec(text);
  if (relative) return nowSeconds - Number(relative[1]) * (UNIT_SECONDS[relative[2] ?? ""] ?? 0);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at / 1000;
}

export function isLive(range: Range): boolean {
  return range.to === "now" && range.from.startsWith("now-");
}

export function lengthSeconds(range: Range): number {
  const [from, to] = [resolveTime(range.from, 0), resolveTime(range.to, 0)];
  return from === undefined || to === undefined ? 3600 : Math.max(1, to - from);
}

/** About 450 points over the range, never finer than a second. */
export function stepSeconds(range: Range): number {
  const raw = lengthSeconds(range) / 450;
  const nice = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];
  return nice.find((step) => step >= raw * 0.999) ?? 86_400;
}
