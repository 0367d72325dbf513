// An override as it is filled in, and the request that it makes.
import type { Schemas } from "@/api/client";
import type { ScheduleOverride } from "@/api/types";
import { toLocalInput } from "@/lib/time";

type Kind = ScheduleOverride["kind"];

export const KINDS: { value: Kind; label: string }[] = [
  { value: "replace", label: "Somebody steps in" },
  { value: "add", label: "Somebody is on call, too" },
  { value: "remove", label: "Somebody is not on call" },
];

export interface OverrideDraft {
  kind: Kind;
  user: string;
  /** Empty: everybody. */
  insteadOf: string;
  from: string;
  to: string;
}

const HOURS = 4;

export function newOverride(now = new Date()): OverrideDraft {
  const to = new Date(now.getTime() + HOURS * 3_600_000);
  return { kind: "replace", user: "", insteadOf: "", from: toLocalInput(now), to: toLocalInput(to) };
}

export function missingIn({ user, from, to }: OverrideDraft, now = new Date()): string | undefined {
  if (!user) return "Choose a person.";
  if (!from || !to) return "Enter when it begins and ends.";
  if (new Date(to) <= new Date(from)) return "It must end after it begins.";
  if (new Date(to) <= now) return "It must end in the future.";
  return undefined;
}

export function inputOf(draft: OverrideDraft): Schemas["OverrideInput"] {
  const { kind, user, insteadOf, from, to } = draft;
  return {
    kind,
    user,
    ...(kind === "replace" && insteadOf && { instead_of: insteadOf }),
    from_at: new Date(from).toISOString(),
    to_at: new Date(to).toISOString(),
  };
}

/** In words: `ben instead of ann`. */
export function words(one: ScheduleOverride, nameOf: (id: string) => string): string {
  const user = nameOf(one.user_id);
  if (one.kind === "add") return `${user}, too`;
  if (one.kind === "remove") return `${user} is not on call`;
  return `${user} instead of ${one.instead_of_id ? nameOf(one.instead_of_id) : "everybody"}`;
}
