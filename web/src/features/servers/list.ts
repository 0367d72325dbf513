// What of the servers is shown and in which order: worst first, then by name.
import type { Server } from "@/api/types";
import { naturalCompare } from "@/lib/labels";
import { type Tone, toneOfServer } from "@/ui/Status";

const ORDER: Record<Tone, number> = { crit: 0, warn: 1, unknown: 2, muted: 3, ok: 4 };

export const TONES: Tone[] = ["crit", "warn", "unknown", "muted", "ok"];
export const TONE_WORDS: Record<Tone, string> = {
  crit: "critical",
  warn: "warning",
  unknown: "waiting",
  muted: "maintenance",
  ok: "ok",
};

export function countTones(servers: readonly Server[]): Record<Tone, number> {
  const counts: Record<Tone, number> = { crit: 0, warn: 0, unknown: 0, muted: 0, ok: 0 };
  for (const server of servers) counts[toneOfServer(server)] += 1;
  return counts;
}

/** Every word must occur in the name or in a label, as `name=value`. */
export function matchesWords(server: Server, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = [server.name, ...Object.entries(server.labels).map(([name, value]) => `${name}=${value}`)]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

type SortKey = "worst" | "name" | "cpu" | "memory" | "disk" | "load" | "seen";
export const SORTS: Record<SortKey, (a: Server, b: Server) => number> = {
  worst: (a, b) => ORDER[toneOfServer(a)] - ORDER[toneOfServer(b)] || naturalCompare(a.name, b.name),
  name: (a, b) => naturalCompare(a.name, b.name),
  cpu: by((server) => server.vitals?.cpu_percent),
  memory: by((server) => server.vitals?.memory_percent),
  disk: by((server) => server.vitals?.disk_percent),
  load: by((server) => server.vitals?.load_per_core),
  seen: by((server) => -Date.parse(server.last_report_at ?? "")),
};

function by(value: (server: Server) => number | null | undefined) {
  return (a: Server, b: Server) =>
    (value(b) ?? -Infinity) - (value(a) ?? -Infinity) || naturalCompare(a.name, b.name);
}

/** Once per answer of the hub, not per keystroke. */
export function sortServers(servers: readonly Server[], sort: string): Server[] {
  return [...servers].sort(SORTS[sort as SortKey] ?? SORTS.worst);
}

/** Those with every word of `q`, in one of the states of `status`; both empty: all. */
export function filterServers(servers: readonly Server[], q: string, status: string): Server[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(status.split(",").filter(Boolean));
  return servers.filter(
    (server) =>
      matchesWords(server, words) &&
      (wanted.size === 0 || wanted.has(server.status) || wanted.has(TONE_WORDS[toneOfServer(server)])),
  );
}
