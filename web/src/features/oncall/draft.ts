// A schedule as it is edited, and the request that it makes.
import type { Schedule, ScheduleInput, ScheduleLayer, ScheduleRestriction, Weekday } from "@/api/types";
import { formatDate } from "@/lib/time";
import { ownZone } from "@/lib/zone-time";

export const UNITS: { value: ScheduleLayer["unit"]; label: string }[] = [
  { value: "hourly", label: "hours" },
  { value: "daily", label: "days" },
  { value: "weekly", label: "weeks" },
  { value: "monthly", label: "months" },
];

export const WEEK: Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export interface LayerDraft extends Omit<ScheduleLayer, "length" | "restrictions"> {
  /** Known to this form alone: layers may be renamed in it. */
  key: number;
  length: string;
  restrictions: RestrictionDraft[];
}

export interface RestrictionDraft extends Omit<ScheduleRestriction, "to_day" | "days"> {
  key: number;
  days: Weekday[];
  to_day: Weekday | "";
}

export interface Draft {
  name: string;
  description: string;
  timezone: string;
  layers: LayerDraft[];
}

let keys = 0;
const nextKey = () => ++keys;

export function newRestriction(): RestrictionDraft {
  return { key: nextKey(), days: WEEK.slice(0, 5), from: "08:00", to: "18:00", to_day: "" };
}

export function newLayer(count: number, today = new Date()): LayerDraft {
  return {
    key: nextKey(),
    name: `Layer ${count + 1}`,
    participants: [],
    unit: "weekly",
    length: "1",
    handoff: "08:00",
    start: formatDate(today),
    restrictions: [],
  };
}

export function draftOf(schedule: Schedule | undefined): Draft {
  if (!schedule) return { name: "", description: "", timezone: ownZone(), layers: [newLayer(0)] };
  const { name, description, timezone } = schedule;
  const layers = schedule.layers.map((layer) => ({
    ...layer,
    key: nextKey(),
    length: String(layer.length ?? 1),
    restrictions: (layer.restrictions ?? []).map(({ days, from, to, to_day }) => ({
      key: nextKey(),
      days: days ?? [],
      from,
      to,
      to_day: to_day ?? ("" as const),
    })),
  }));
  return { name, description, timezone, layers };
}

export function inputOf(draft: Draft): ScheduleInput {
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    timezone: draft.timezone.trim(),
    layers: draft.layers.map(({ key: _, length, restrictions, ...layer }) => ({
      ...layer,
      name: layer.name.trim(),
      length: Number(length),
      restrictions: restrictions.map(({ key: _key, to_day, ...rest }) => ({
        ...rest,
        ...(to_day && { to_day }),
      })),
    })),
  };
}

/** What must still be mended, as a sentence. */
export function missingIn(draft: Draft): string | undefined {
  if (!draft.name.trim()) return "Enter a name.";
  if (!draft.timezone.trim()) return "Enter a time zone.";
  const names = draft.layers.map((layer) => layer.name.trim());
  if (names.some((name) => !name)) return "Give every layer a name.";
  if (new Set(names).size < names.length) return "Give every layer a name of its own.";
  for (const layer of draft.layers) {
    if (layer.participants.length === 0) return `Choose somebody in ${layer.name}.`;
    if (!/^[1-9]\d{0,2}$/.test(layer.length))
      return `Enter how long a turn of ${layer.name} is, as a number.`;
    if (!layer.handoff || !layer.start) return `Enter when turns of ${layer.name} begin.`;
    for (const one of layer.restrictions) {
      if (!one.from || !one.to) return `Enter when ${layer.name} begins and ends.`;
      if (one.to_day && one.days.length === 0) return `Choose the day on which ${layer.name} begins.`;
    }
  }
  return undefined;
}
