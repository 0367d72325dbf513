// A mapping of any JSON to alerts, as it is typed: a path a field.
import type { SignalMapping } from "@/api/types";

const PATHS = ["items", "key", "title", "description", "severity", "state"] as const;
export type MappingPath = (typeof PATHS)[number];

export interface MappingDraft extends Record<MappingPath, string> {
  /** Values of the state that mean that it is over, by commas. */
  resolved: string;
  /** `name=path`, a line each. */
  labels: string;
}

export function mappingDraft(mapping: SignalMapping | null | undefined): MappingDraft {
  const labels = Object.entries(mapping?.labels ?? {}).map(([name, path]) => `${name}=${path}`);
  return {
    items: mapping?.items ?? "",
    key: mapping?.key ?? "",
    title: mapping?.title ?? "",
    description: mapping?.description ?? "",
    severity: mapping?.severity ?? "",
    state: mapping?.state ?? "",
    resolved: (mapping?.resolved ?? []).join(", "),
    labels: labels.join("\n"),
  };
}

const parts = (text: string, by: string | RegExp) =>
  text
    .split(by)
    .map((part) => part.trim())
    .filter(Boolean);

/** What is sent; a sentence when it cannot be read. */
export function mappingOf(draft: MappingDraft): SignalMapping | string {
  const title = draft.title.trim();
  if (!title) return "Say where the title is.";
  const labels: Record<string, string> = {};
  for (const line of parts(draft.labels, "\n")) {
    const at = line.indexOf("=");
    if (at < 1 || at === line.length - 1) return "Write labels as name=path, a line each.";
    labels[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  const mapping: SignalMapping = { title, resolved: parts(draft.resolved, ","), labels };
  for (const path of PATHS) {
    const text = draft[path].trim();
    if (path !== "title" && text) mapping[path] = text;
  }
  return mapping;
}
