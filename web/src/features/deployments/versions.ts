// Servers by the version of their agent.
import type { Server } from "@/api/types";
import { naturalCompare, quote } from "@/lib/labels";

export interface VersionGroup {
  /** Empty: no agent has reported. */
  version: string;
  servers: Server[];
}

/** Newest version first; those without an agent last. */
export function groupVersions(servers: readonly Server[]): VersionGroup[] {
  const groups = new Map<string, Server[]>();
  for (const server of servers) {
    const version = server.agent_version ?? "";
    groups.set(version, [...(groups.get(version) ?? []), server]);
  }
  return [...groups]
    .map(([version, members]) => ({
      version,
      servers: members.sort((a, b) => naturalCompare(a.name, b.name)),
    }))
    .sort((a, b) => naturalCompare(b.version, a.version));
}

/** A selector of just these servers: `name=~"web-1|web-2"`. */
export function selectorOf(names: readonly string[]): string {
  const [only, ...others] = names;
  if (only === undefined) return "";
  if (others.length === 0) return `name=${quote(only)}`;
  return `name=~${quote(names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|"))}`;
}
