// What a heartbeat says of itself: its state, its rhythm, and the form that makes one.
import type { Heartbeat, HeartbeatInput, Ping } from "@/api/types";
import { formatSeconds, parseSeconds, writeSeconds } from "@/lib/units";
import type { Tone } from "@/ui/Status";

export const STATES: Record<Heartbeat["state"], { tone: Tone; word: string }> = {
  new: { tone: "unknown", word: "waiting" },
  up: { tone: "ok", word: "on time" },
  started: { tone: "ok", word: "running" },
  down: { tone: "crit", word: "down" },
  paused: { tone: "muted", word: "paused" },
};

export const PING_TONES: Record<Ping["kind"], Tone> = {
  success: "ok",
  start: "muted",
  fail: "crit",
  log: "unknown",
};

export function rhythmOf(one: Heartbeat): string {
  const when = one.cron
    ? `${one.cron}, ${one.timezone ?? "UTC"}`
    : `each ${formatSeconds(one.period_seconds)}`;
  return `${when}, ${formatSeconds(one.grace_seconds)} of grace`;
}

export interface Draft {
  name: string;
  by: "period" | "cron";
  period: string;
  cron: string;
  timezone: string;
  grace: string;
  finish: string;
  service: string;
  integration: string;
  slug: string;
  enabled: boolean;
}

export function draftOf(one?: Heartbeat): Draft {
  return {
    name: one?.name ?? "",
    by: one?.cron ? "cron" : "period",
    period: writeSeconds(one?.period_seconds ?? 86_400),
    cron: one?.cron ?? "",
    timezone: one?.timezone ?? "",
    grace: writeSeconds(one?.grace_seconds ?? 3_600),
    finish: writeSeconds(one?.finish_within_seconds ?? 3_600),
    service: one?.service_id ?? "",
    integration: one?.integration_id ?? "",
    slug: one?.slug ?? "",
    enabled: one?.enabled ?? true,
  };
}

/** What must still be mended, as a sentence. */
export function missingIn(draft: Draft): string | undefined {
  if (!draft.name.trim()) return "Enter a name.";
  if (draft.by === "cron" && !draft.cron.trim()) return "Enter when it runs, as 30 3 * * *.";
  const durations =
    draft.by === "cron" ? [draft.grace, draft.finish] : [draft.period, draft.grace, draft.finish];
  if (durations.some((text) => !parseSeconds(text))) return "Enter durations such as 10m, 1h or 1d.";
  return undefined;
}

export function inputOf(draft: Draft): HeartbeatInput {
  const cron = draft.by === "cron";
  return {
    name: draft.name.trim(),
    period_seconds: cron ? null : (parseSeconds(draft.period) ?? null),
    cron: cron ? draft.cron.trim() : null,
    timezone: cron && draft.timezone.trim() ? draft.timezone.trim() : null,
    grace_seconds: parseSeconds(draft.grace) ?? null,
    finish_within_seconds: parseSeconds(draft.finish) ?? null,
    service_id: draft.service || null,
    integration_id: draft.integration || null,
    slug: draft.integration && draft.slug.trim() ? draft.slug.trim() : null,
    enabled: draft.enabled,
  };
}
