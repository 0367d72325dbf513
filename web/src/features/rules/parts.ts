// What the parts of the rule form share.
import type { Severity } from "@/api/types";
import type { Draft, problemsIn } from "./draft";

export const SEVERITIES: { value: Severity; label: string }[] = [
  { value: "critical", label: "critical" },
  { value: "error", label: "error" },
  { value: "warning", label: "warning" },
  { value: "info", label: "info" },
];

export interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problems: ReturnType<typeof problemsIn>;
}
