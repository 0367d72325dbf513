// Numbers as people read them: the unit is always there, three significant digits at most.

export type Unit = "percent" | "bytes" | "bytes_per_second" | "seconds" | "count" | "celsius";

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const COUNT_UNITS = ["", "k", "M", "G", "T"];

export const NONE = "–";

function scale(value: number, base: number, units: string[]): [number, string] {
  let size = Math.abs(value);
  let index = 0;
  while (size >= base && index < units.length - 1) {
    size /= base;
    index += 1;
  }
  return [Math.sign(value) * size, units[index] ?? ""];
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return trim(value.toFixed(1));
  if (size >= 0.01) return trim(value.toFixed(2));
  return value.toPrecision(1);
}

const trim = (text: string) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

export function formatBytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  const [size, unit] = scale(value, 1024, BYTE_UNITS);
  return `${digits(size)} ${unit}`;
}

export function formatPercent(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  return `${value < 10 ? trim(value.toFixed(1)) : value.toFixed(0)} %`;
}

export function formatCount(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  const [size, unit] = scale(value, 1000, COUNT_UNITS);
  return digits(size) + unit;
}

/** A length of time in seconds: `3:10` is for clocks, this is for reading: `5m`, `2h 4m`, `0.4 s`. */
export function formatSeconds(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 0.001) return `${digits(value * 1e6)} µs`;
  if (size < 1) return `${digits(value * 1000)} ms`;
  if (size < 60) return `${digits(value)} s`;
  return (value < 0 ? "-" : "") + formatSpan(Math.round(size));
}

function formatSpan(total: number): string {
  const days = Math.floor(total / 86_400);
  const hours = Math.floor((total % 86_400) / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = total % 60;
  if (days > 0) return hours > 0 ? `${days}d ${hours}h` : `${days}d`;
  if (hours > 0) return minutes > 0 ? `${hours}h ${minutes}m` : `${hours}h`;
  return seconds > 0 && minutes < 10 ? `${minutes}m ${seconds}s` : `${minutes}m`;
}

export function formatUnit(value: number | null | undefined, unit: string): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  switch (unit) {
    case "percent":
      return formatPercent(value);
    case "bytes":
      return formatBytes(value);
    case "bytes_per_second":
      return `${formatBytes(value)}/s`;
    case "seconds":
      return formatSeconds(value);
    case "celsius":
      return `${digits(value)} °C`;
    default:
      return formatCount(value);
  }
}

/** `5m`, `90s`, `1h30m`, `300` to seconds; undefined when it is none. */
export function parseSeconds(text: string): number | undefined {
  const source = text.trim().replace(/\s+/g, "");
  if (/^\d+(\.\d+)?$/.test(source)) return Number(source);
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(source)) return undefined;
  const size: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  let total = 0;
  for (const [, number, unit] of source.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(number) * (size[unit ?? ""] ?? 0);
  }
  return total;
}

/** Seconds as they are typed: `5m`, `1h30m`. The inverse of `parseSeconds`. */
export function writeSeconds(seconds: number): string {
  if (seconds <= 0) return "0s";
  let rest = Math.round(seconds);
  let text = "";
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
