// What the caller may do. The hub decides; this only explains.
import { useQuery } from "@tanstack/react-query";
import { queries } from "./queries";
import type { Role } from "./types";

export type Need = "respond" | "operate" | "admin";

const RANK: Record<Role, number> = { viewer: 0, responder: 1, operator: 2, admin: 3 };
const NEEDS: Record<Need, Role> = { respond: "responder", operate: "operator", admin: "admin" };

/** Undefined when allowed, else why not, as a sentence. */
export function whyNot(role: Role | undefined, need: Need | undefined): string | undefined {
  if (!need || !role || RANK[role] >= RANK[NEEDS[need]]) return undefined;
  return `Needs the role ${NEEDS[need]}; you are ${role}. Ask an administrator.`;
}

export function useWhyNot(need: Need | undefined): string | undefined {
  const { data } = useQuery({ ...queries.me(), enabled: need !== undefined });
  return whyNot(data?.role, need);
}
