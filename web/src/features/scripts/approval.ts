// Whether a script's approval holds, and what the servers' policies make of that.
import type { Script, Server } from "@/api/types";

export type ApprovalState = "signed" | "expired" | "not signed";

export function approvalOf(script: Script, now: number): ApprovalState {
  if (!script.approval) return "not signed";
  return Date.parse(script.approval.expires_at) > now ? "signed" : "expired";
}

export interface Policies {
  full: number;
  allowlist: number;
  monitor: number;
}

/** Servers by their local policy; those without an agent run nothing. */
export function countPolicies(servers: readonly Server[]): Policies {
  const of = (policy: string) => servers.filter((server) => server.facts?.policy === policy).length;
  return { full: of("full"), allowlist: of("allowlist"), monitor: of("monitor") };
}

const servers = (count: number) => (count === 1 ? "1 server" : `${count} servers`);

/** A sentence for each policy that some server has. */
export function policySentences({ full, allowlist, monitor }: Policies, state: ApprovalState): string[] {
  const verb = (count: number) => (count === 1 ? "runs" : "run");
  const sentences: string[] = [];
  if (allowlist > 0) {
    const by =
      state === "signed"
        ? "lists its hash, or the approver's key"
        : "lists its hash: no signature stands for it";
    sentences.push(
      `${servers(allowlist)} with the policy allowlist ${verb(allowlist)} it if the policy ${by}.`,
    );
  }
  if (full > 0) sentences.push(`${servers(full)} with the policy full ${verb(full)} it, signed or not.`);
  if (monitor > 0) sentences.push(`${servers(monitor)} with the policy monitor ${verb(monitor)} nothing.`);
  return sentences;
}
