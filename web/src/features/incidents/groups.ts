// The three groups of the incident list, and what the address bar calls them.
import type { Incident, IncidentState, Severity } from "@/api/types";

export interface Group {
  state: IncidentState;
  title: string;
}

export const GROUPS: Group[] = [
  { state: "triggered", title: "Needs action" },
  { state: "acknowledged", title: "Being handled" },
  { state: "resolved", title: "Resolved" },
];

const RANK: Record<Severity, number> = { critical: 0, error: 1, warning: 2, info: 3 };

const worst = (a: Incident, b: Incident) =>
  RANK[a.severity] - RANK[b.severity] || Date.parse(a.triggered_at) - Date.parse(b.triggered_at);

/** Which of several is proposed as the one that the others are merged into: the worst, and of those the oldest. */
export function mergeTarget(incidents: readonly Incident[]): Incident | undefined {
  return [...incidents].sort(worst)[0];
}

/** How long after its end a person can say that it is not over. */
const REOPEN_MS = 24 * 3_600_000;

/** Whether an incident that is over can be opened again at a time, in milliseconds. */
export function canReopen(incident: Incident, now: number): boolean {
  const ended = incident.state === "resolved" && incident.merged_into == null && incident.resolved_at;
  return Boolean(ended) && now - Date.parse(ended || "") < REOPEN_MS;
}

/** Open ones worst first and then oldest first; resolved ones newest first. */
export function groupIncidents(incidents: readonly Incident[]): Record<IncidentState, Incident[]> {
  const groups: Record<IncidentState, Incident[]> = { triggered: [], acknowledged: [], resolved: [] };
  for (const incident of incidents) groups[incident.state].push(incident);
  groups.triggered.sort(worst);
  groups.acknowledged.sort(worst);
  groups.resolved.sort((a, b) => Date.parse(b.resolved_at ?? "") - Date.parse(a.resolved_at ?? ""));
  return groups;
}
