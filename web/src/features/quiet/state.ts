// What is silent now, was, or will be, in a word and a tone.
import type { QuietState } from "@/api/types";
import type { Tone } from "@/ui/Status";

export const quietTone: Record<QuietState, Tone> = { pending: "unknown", active: "muted", expired: "ok" };
export const quietWord: Record<QuietState, string> = {
  pending: "to come",
  active: "silent",
  expired: "over",
};
