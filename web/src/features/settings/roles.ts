// What each role may do, in words.
import type { Role } from "@/api/types";

export const ROLES: { value: Role; label: string }[] = [
  { value: "viewer", label: "Viewer: sees everything" },
  { value: "responder", label: "Responder: also acknowledges, notes, resolves" },
  { value: "operator", label: "Operator: also rules, channels, servers, runs" },
  { value: "admin", label: "Administrator: also users, tokens, automations" },
];
