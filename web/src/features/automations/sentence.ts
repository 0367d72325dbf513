// An automation in words: what starts it, and what it does then.
import type { Automation } from "@/api/types";
import { formatSeconds } from "@/lib/units";

/** `alerts of Nginx is down`, `at 03:30 on Mondays, Europe/Berlin`. */
export function triggerWords(automation: Automation, ruleName: string | undefined): string {
  const { rule_id, matchers, cron } = automation.trigger;
  if (cron) return automation.words ?? cron;
  const narrowed = matchers ? ` that match ${matchers}` : "";
  if (rule_id) return `alerts of ${ruleName ?? "a rule"}${narrowed}`;
  return matchers ? `alerts with ${matchers}` : "nothing";
}

/** What follows the name of the script. */
export function effectWords(automation: Automation): string {
  if (automation.mode === "observe") return "is not run, only noted";
  const approved = automation.mode === "approve" ? " when a person approves it" : "";
  return `is run${approved}`;
}

const OVERLAP = {
  skip: "While an earlier run is not over, it is skipped.",
  queue: "While an earlier run is not over, one firing waits for it.",
  allow: "It runs beside an earlier run that is not over.",
};

/** The limits that apply, a sentence each. */
export function limitWords(automation: Automation): string[] {
  const { trigger } = automation;
  if (!trigger.cron) {
    const times =
      automation.attempts_per_incident === 1 ? "once" : `${automation.attempts_per_incident} times`;
    const within =
      automation.verify_within_seconds == null
        ? "the time its rule needs"
        : formatSeconds(automation.verify_within_seconds);
    return [
      `At most ${times} per incident, ${formatSeconds(automation.cooldown_seconds)} apart.`,
      `The problem must be gone within ${within}; else a person is paged.`,
    ];
  }
  const grace = trigger.missed_grace_seconds ?? 0;
  return [
    OVERLAP[trigger.overlap ?? "skip"],
    grace > 0
      ? `Missed while no hub ran, it is made up for once if it is not older than ${formatSeconds(grace)}.`
      : "Missed while no hub ran, it is skipped.",
  ];
}

/** By whose right it acts, and what that means for it. */
export function standsWords({ stands_for, team, trigger }: Automation, own: boolean): string {
  const when = trigger.cron ? "at each firing" : "at each attempt";
  if (team) return `It acts as team ${team}, by the team's rights: they are asked for ${when}.`;
  const who = own ? "You stand" : `${stands_for || "Nobody"} stands`;
  return `${who} for what it does: that right is asked for ${when}.`;
}
