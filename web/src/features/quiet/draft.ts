// A maintenance window as it is typed, and what is sent of it.
import type { MaintenanceWindow, MaintenanceWindowInput } from "@/api/types";
import { bare } from "@/lib/matchers";
import { toLocalInput } from "@/lib/time";
import { parseSeconds, writeSeconds } from "@/lib/units";

export interface Draft {
  name: string;
  matchers: string;
  comment: string;
  /** Ids of channels. */
  notify: string[];
  enabled: boolean;
  recurring: boolean;
  cron: string;
  timezone: string;
  duration: string;
  starts: string;
  ends: string;
}

const HOUR_MS = 3_600_000;

/** `zone`: of whoever looks; `now` in milliseconds. */
export function draftOf(old: MaintenanceWindow | undefined, zone: string, now: number): Draft {
  const [from, to] = [old?.starts_at ?? now, old?.ends_at ?? now + 2 * HOUR_MS];
  return {
    name: old?.name ?? "",
    matchers: bare(old?.matchers ?? ""),
    comment: old?.comment ?? "",
    notify: old?.notify ?? [],
    enabled: old?.enabled ?? true,
    recurring: old ? old.cron != null : true,
    cron: old?.cron ?? "30 2 * * sun",
    timezone: old?.timezone ?? zone,
    duration: writeSeconds(old?.duration_seconds ?? 7200),
    starts: toLocalInput(new Date(from)),
    ends: toLocalInput(new Date(to)),
  };
}

/** What is wrong with the duration, if it is not one. */
export function durationProblem(draft: Draft): string | undefined {
  if (!draft.recurring || parseSeconds(draft.duration) !== undefined) return undefined;
  return "a number with its unit, such as 90m or 2h";
}

export function inputOf(draft: Draft): MaintenanceWindowInput {
  const { name, matchers, comment, notify, enabled } = draft;
  const common = { name: name.trim(), matchers, comment: comment.trim(), notify, enabled };
  if (draft.recurring) {
    const { cron, timezone } = draft;
    return { ...common, cron, timezone, duration_seconds: parseSeconds(draft.duration) };
  }
  const at = (text: string) => new Date(text).toISOString();
  return { ...common, starts_at: at(draft.starts), ends_at: at(draft.ends) };
}
