// Where shifts lie in a strip of days: rows, places in percent, and the times without anybody.
import type { Schedule, Shift } from "@/api/types";
import { formatDate, millis } from "@/lib/time";

export const DAYS = 7;
const DAY_NAMES = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/** Tones that tell people apart; beyond, they are used again. */
const TONES = 6;

export interface Range {
  from: number;
  to: number;
}

export interface Bar {
  key: string;
  user: string;
  tone: number;
  from: string;
  to: string;
  /** Percent of the strip. */
  left: number;
  width: number;
}

export interface Row {
  label: string;
  bars: Bar[];
}

/** The first moments of the days from this one on, and of the one behind them, on the viewer's clock: a day may have 23 hours. */
export function dayEdges(now: Date, count = DAYS): number[] {
  return Array.from({ length: count + 1 }, (_, day) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + day).getTime(),
  );
}

export function dayLabel(edge: number): string {
  const date = new Date(edge);
  return `${DAY_NAMES[date.getDay()]} ${formatDate(date).slice(8)}`;
}

const percent = (at: number, { from, to }: Range) => ((at - from) / (to - from)) * 100;

/** Who has which tone: by the order in which the schedule names them. */
function toneOf(schedule: Schedule, user: string): number {
  const people = schedule.layers.flatMap((layer) => layer.participants);
  const place = [...new Set(people)].indexOf(user);
  return (place < 0 ? TONES - 1 : place % TONES) + 1;
}

function bar(schedule: Schedule, shift: Shift, range: Range): Bar {
  const [from, to] = [Math.max(millis(shift.from_at), range.from), Math.min(millis(shift.to_at), range.to)];
  return {
    key: `${shift.user_id}-${shift.from_at}`,
    user: shift.user,
    tone: toneOf(schedule, shift.user_id),
    from: shift.from_at,
    to: shift.to_at,
    left: percent(from, range),
    width: percent(to, range) - percent(from, range),
  };
}

/** A row for each layer, and one for overrides when there are some. */
export function rows(schedule: Schedule, shifts: readonly Shift[], range: Range): Row[] {
  const bars = (of: (shift: Shift) => boolean) =>
    shifts.filter(of).map((shift) => bar(schedule, shift, range));
  // Of a layer that was renamed meanwhile, the past is still told.
  const names = new Set(schedule.layers.map((layer) => layer.name));
  for (const shift of shifts) if (shift.layer) names.add(shift.layer);
  const layers = [...names].map((label) => ({ label, bars: bars((shift) => shift.layer === label) }));
  const overrides = bars((shift) => !shift.layer);
  return overrides.length > 0 ? [...layers, { label: "Overrides", bars: overrides }] : layers;
}

/** The times of the strip that no shift covers, in percent. */
export function holes(shifts: readonly Shift[], range: Range): { left: number; width: number }[] {
  const covered = shifts
    .map((shift) => [millis(shift.from_at), millis(shift.to_at)] as const)
    .sort((a, b) => a[0] - b[0]);
  const found: { left: number; width: number }[] = [];
  let at = range.from;
  for (const [from, to] of [...covered, [range.to, range.to] as const]) {
    if (from > at) {
      const left = percent(at, range);
      found.push({ left, width: percent(Math.min(from, range.to), range) - left });
    }
    at = Math.max(at, to);
  }
  return found;
}
