// What the steps of a deployment are called, and how a batch stands.
import type { Deployment, DeploymentStep } from "@/api/types";
import { millis } from "@/lib/time";

const NAMES: Record<string, string> = {
  connect: "Connect",
  host_key: "Host key",
  sign_in: "Sign in",
  probe: "Look at the host",
  sudo: "Become root",
  plan: "Plan",
  upload: "Upload the agent",
  reach_hub: "Reach the hub from there",
  place: "Put it in place",
  enrol: "Enrol",
  start: "Start",
  first_report: "First report",
  roll_back: "Roll back",
  remove: "Remove",
  verify: "Check that nothing is left",
  clean_up: "Clean up",
};

export function stepName(step: string): string {
  return NAMES[step] ?? step.replace(/_/g, " ");
}

/** `0.42 s`; of a step under way until now. */
export function tookOf(step: Pick<DeploymentStep, "started_at" | "ended_at">, now: number): string {
  const ms = (step.ended_at ? millis(step.ended_at) : now) - millis(step.started_at);
  return ms < 10_000 ? `${(Math.max(0, ms) / 1000).toFixed(2)} s` : `${Math.round(ms / 1000)} s`;
}

export const isOpen = (one: Deployment) => one.status === "pending" || one.status === "running";

/** `17 of 20 done, 2 failed, 1 running`. */
export function summary(all: readonly Deployment[]): string {
  const count = (status: Deployment["status"]) => all.filter((one) => one.status === status).length;
  const parts = [`${count("succeeded")} of ${all.length} done`];
  for (const status of ["failed", "running", "pending", "cancelled"] as const) {
    if (count(status) > 0) parts.push(`${count(status)} ${status === "pending" ? "waiting" : status}`);
  }
  return parts.join(", ");
}

/** What happened to one host, in a word or a code. */
export function outcome(one: Deployment): string {
  if (one.failure) return one.failure.code;
  return (one.change ?? one.status).replace(/_/g, " ");
}
