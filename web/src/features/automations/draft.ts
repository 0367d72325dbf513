// An automation as it is typed, and as it is sent.
import type { Automation, AutomationInput, Rollout } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { ownZone } from "@/lib/zone-time";

export const COOLDOWN_SECONDS = 900;
export const ATTEMPTS = 2;
const GRACE_SECONDS_MAX = 7 * 86_400;

export type Start = "alert" | "clock";
type Overlap = NonNullable<AutomationInput["trigger"]["overlap"]>;

export interface Draft {
  name: string;
  enabled: boolean;
  start: Start;
  rule: string;
  matchers: string;
  cron: string;
  timezone: string;
  overlap: Overlap;
  grace: string;
  on: string;
  rollout: Rollout | undefined;
  script: string;
  parameters: Record<string, string>;
  /** Name of the team by whose right it acts; empty means whoever saves it. */
  team: string;
  mode: AutomationInput["mode"];
  cooldown: string;
  attempts: string;
  verify: string;
}

export function draftOf(automation: Automation | undefined): Draft {
  const trigger = automation?.trigger;
  return {
    name: automation?.name ?? "",
    enabled: automation?.enabled ?? true,
    start: trigger?.cron ? "clock" : "alert",
    rule: trigger?.rule_id ?? "",
    matchers: trigger?.matchers ?? "",
    cron: trigger?.cron ?? "",
    timezone: trigger?.timezone ?? ownZone(),
    overlap: trigger?.overlap ?? "skip",
    grace: trigger?.missed_grace_seconds ? writeSeconds(trigger.missed_grace_seconds) : "",
    on: automation?.on ?? "",
    rollout: automation?.rollout ?? undefined,
    script: automation?.script_id ?? "",
    parameters: automation?.parameters ?? {},
    team: automation?.team ?? "",
    mode: automation?.mode ?? "approve",
    cooldown: writeSeconds(automation?.cooldown_seconds ?? COOLDOWN_SECONDS),
    attempts: String(automation?.attempts_per_incident ?? ATTEMPTS),
    verify: automation?.verify_within_seconds == null ? "" : writeSeconds(automation.verify_within_seconds),
  };
}

function triggerOf(draft: Draft): AutomationInput["trigger"] {
  if (draft.start === "clock") {
    return {
      cron: draft.cron.trim(),
      timezone: draft.timezone.trim(),
      overlap: draft.overlap,
      missed_grace_seconds: draft.grace ? (parseSeconds(draft.grace) ?? 0) : 0,
    };
  }
  return draft.rule ? { rule_id: draft.rule } : { matchers: draft.matchers.trim() };
}

export function inputOf(draft: Draft): AutomationInput {
  const byClock = draft.start === "clock";
  return {
    name: draft.name.trim(),
    enabled: draft.enabled,
    trigger: triggerOf(draft),
    script: draft.script,
    parameters: Object.fromEntries(Object.entries(draft.parameters).filter(([, value]) => value !== "")),
    mode: draft.mode,
    cooldown_seconds: parseSeconds(draft.cooldown) ?? null,
    attempts_per_incident: Number(draft.attempts),
    verify_within_seconds: draft.verify ? (parseSeconds(draft.verify) ?? null) : null,
    on: byClock ? draft.on.trim() : null,
    rollout: byClock ? (draft.rollout ?? null) : null,
    team: draft.team || null,
  };
}

const isTime = (text: string) => parseSeconds(text) !== undefined;

/** What is wrong, by field; undefined where it is well. */
export function problemsIn(draft: Draft) {
  const byAlert = draft.start === "alert";
  const grace = draft.grace ? parseSeconds(draft.grace) : 0;
  return {
    name: draft.name.trim() ? undefined : "Enter a name.",
    trigger:
      byAlert && !draft.rule && !draft.matchers.trim() ? "Choose a rule, or write matchers." : undefined,
    cron: byAlert || draft.cron.trim() ? undefined : "Write when it starts, such as 30 3 * * *.",
    timezone: byAlert || draft.timezone.trim() ? undefined : "Enter a time zone, such as Europe/Berlin.",
    on: byAlert || draft.on.trim() ? undefined : "Select servers. An empty selector selects nothing.",
    grace:
      byAlert || (grace !== undefined && grace <= GRACE_SECONDS_MAX)
        ? undefined
        : "A time up to 7d, such as 1h.",
    script: draft.script ? undefined : "Choose a script.",
    cooldown: byAlert && !isTime(draft.cooldown) ? "Write a time such as 15m." : undefined,
    attempts: byAlert && !/^(1?[1-9]|[12]0)$/.test(draft.attempts) ? "A number from 1 to 20." : undefined,
    verify: byAlert && draft.verify && !isTime(draft.verify) ? "Write a time such as 2m." : undefined,
  };
}

export type Problems = Partial<ReturnType<typeof problemsIn>>;
