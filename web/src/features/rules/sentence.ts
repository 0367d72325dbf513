// The common rule as one sentence, written as PromQL and read back from it.
// Invariant: `readSentence(writeSentence(s))` is `s`; text that this file did not write is never taken for a sentence.
import { parseLabels, quote } from "@/lib/labels";
import type { Unit } from "@/lib/units";

export interface Metric {
  id: string;
  label: string;
  unit: Unit;
  /** `SEL` stands for the matchers of the servers, with a leading comma where others stand before. */
  expr: (selector: string) => string;
  direction: Direction;
  /** A sensible first threshold. */
  value: number;
}

export type Direction = "above" | "below";

export interface Sentence {
  metric: string;
  /** Matchers without braces; empty means all servers. */
  on: string;
  direction: Direction;
  value: number;
}

/** `{a,b}` of those parts that are not empty, or nothing. */
function braces(...parts: string[]): string {
  const given = parts.filter(Boolean).join(",");
  return given ? `{${given}}` : "";
}

export const METRICS: Metric[] = [
  {
    id: "cpu",
    label: "CPU used",
    unit: "percent",
    direction: "above",
    value: 90,
    expr: (on) =>
      `100 * (1 - avg without (cpu, mode) (rate(node_cpu_seconds_total${braces('mode="idle"', on)}[2m])))`,
  },
  {
    id: "memory_available",
    label: "memory available",
    unit: "percent",
    direction: "below",
    value: 10,
    expr: (on) =>
      `100 * node_memory_MemAvailable_bytes${braces(on)} / node_memory_MemTotal_bytes${braces(on)}`,
  },
  {
    id: "swap_used",
    label: "swap used",
    unit: "percent",
    direction: "above",
    value: 80,
    expr: (on) =>
      `100 * (1 - node_memory_SwapFree_bytes${braces(on)} / (node_memory_SwapTotal_bytes${braces(on)} > 0))`,
  },
  {
    id: "disk_used",
    label: "disk space used (each mount)",
    unit: "percent",
    direction: "above",
    value: 90,
    expr: (on) =>
      `100 * (1 - node_filesystem_avail_bytes${braces(on)} / (node_filesystem_size_bytes${braces(on)} > 0))`,
  },
  {
    id: "load",
    label: "load per core",
    unit: "count",
    direction: "above",
    value: 2,
    expr: (on) =>
      `node_load1${braces(on)} / on (instance) group_left () count by (instance) (node_cpu_seconds_total${braces('mode="idle"', on)})`,
  },
  {
    id: "disk_busy",
    label: "disk busy (each device)",
    unit: "percent",
    direction: "above",
    value: 90,
    expr: (on) => `100 * rate(node_disk_io_time_seconds_total${braces(on)}[2m])`,
  },
  {
    id: "receive",
    label: "network in (each interface)",
    unit: "bytes_per_second",
    direction: "above",
    value: 100_000_000,
    expr: (on) => `rate(node_network_receive_bytes_total${braces('device!="lo"', on)}[2m])`,
  },
  {
    id: "transmit",
    label: "network out (each interface)",
    unit: "bytes_per_second",
    direction: "above",
    value: 100_000_000,
    expr: (on) => `rate(node_network_transmit_bytes_total${braces('device!="lo"', on)}[2m])`,
  },
  {
    id: "pressure_cpu",
    label: "time waiting for CPU",
    unit: "percent",
    direction: "above",
    value: 40,
    expr: (on) => `100 * rate(node_pressure_cpu_waiting_seconds_total${braces(on)}[2m])`,
  },
  {
    id: "pressure_io",
    label: "time waiting for disks",
    unit: "percent",
    direction: "above",
    value: 40,
    expr: (on) => `100 * rate(node_pressure_io_waiting_seconds_total${braces(on)}[2m])`,
  },
  {
    id: "temperature",
    label: "temperature (each sensor)",
    unit: "celsius",
    direction: "above",
    value: 85,
    expr: (on) => `node_hwmon_temp_celsius${braces(on)}`,
  },
];

export function metricOf(id: string): Metric {
  return METRICS.find((metric) => metric.id === id) ?? (METRICS[0] as Metric);
}

const OPERATOR: Record<Direction, string> = { above: ">", below: "<" };

export function writeMetric({ metric, on }: Pick<Sentence, "metric" | "on">): string {
  return metricOf(metric).expr(on);
}

export function writeSentence(sentence: Sentence): string {
  return `${writeMetric(sentence)} ${OPERATOR[sentence.direction]} ${sentence.value}`;
}

/** The expression that ends the alert once the value is back behind `value`. */
export function writeRecovery(sentence: Sentence, value: number): string {
  return writeSentence({ ...sentence, direction: sentence.direction === "above" ? "below" : "above", value });
}

const MARK = 'x="MARK"';

export function readSentence(expr: string): Sentence | undefined {
  const end = /^(.*) ([<>]) (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/s.exec(expr.trim());
  const [, left, operator, number] = end ?? [];
  if (left === undefined || number === undefined) return undefined;
  const direction: Direction = operator === ">" ? "above" : "below";
  for (const metric of METRICS) {
    const on = selectorIn(left, metric);
    if (on !== undefined) return { metric: metric.id, on, direction, value: Number(number) };
  }
  return undefined;
}

/** The matchers of the servers in a text that `metric` wrote. */
function selectorIn(text: string, metric: Metric): string | undefined {
  if (text === metric.expr("")) return "";
  const before = metric.expr(MARK).split(MARK)[0] ?? "";
  const after = metric.expr(MARK).split(MARK)[1] ?? "";
  if (!text.startsWith(before)) return undefined;
  // The shortest text that, put in every place, gives the expression again.
  for (let end = before.length + 1; end <= text.length; end += 1) {
    const candidate = text.slice(before.length, end);
    if (text.startsWith(after.slice(0, 2), end) && metric.expr(candidate) === text) return candidate;
  }
  return undefined;
}

/** The hub's selectors call a server `name`, its series `instance`. */
export function toSeriesMatchers(on: string): string {
  return on.replace(/(^|,)\s*name(\s*[=!])/g, "$1instance$2");
}

export function toServerMatchers(on: string): string {
  return on.replace(/(^|,)\s*instance(\s*[=!])/g, "$1name$2");
}

/** `env=prod` as people type it becomes `env="prod"`; text that has quotes is left alone. */
export function normalizeMatchers(text: string): string {
  if (text.includes('"') || text.trim() === "") return text.trim();
  const { labels, error } = parseLabels(text);
  if (error) return text.trim();
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(",");
}
