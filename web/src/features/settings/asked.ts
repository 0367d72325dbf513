// Whom a step of a policy pages, in words.
import type { PolicyStep } from "@/api/types";

export function askedWords(names: readonly string[], strategy: PolicyStep["strategy"]): string {
  if (names.length === 0) return "nobody";
  const all = names.join(", ");
  return strategy === "round_robin" && names.length > 1 ? `one of ${all} by turns` : all;
}
