// The parts of a channel's own words, and what the hub said of each.
import type { ChannelInput, ChannelPreview } from "@/api/types";

type Templates = ChannelInput["templates"];

export interface Part {
  of: "page" | "end";
  name: "title" | "body";
  label: string;
}

export const PARTS: readonly Part[] = [
  { of: "page", name: "title", label: "Headline of a page" },
  { of: "page", name: "body", label: "Text of a page" },
  { of: "end", name: "title", label: "Headline when it is over" },
  { of: "end", name: "body", label: "Text when it is over" },
];

export function templateOf(templates: Templates, part: Part): string {
  return templates?.[part.of]?.[part.name] ?? "";
}

/** An emptied template is none. */
export function withTemplate(templates: Templates, part: Part, text: string): Templates {
  const words = { ...templates?.[part.of], [part.name]: text === "" ? null : text };
  return { ...templates, [part.of]: words };
}

/** Whether any of it is in own words. */
export function hasOwnWords(templates: Templates): boolean {
  return PARTS.some((part) => templateOf(templates, part) !== "");
}

/** What is wrong with a template, with its place. */
export function problemAt(failed: ChannelPreview["failed"] | undefined, part: Part): string | undefined {
  const found = failed?.find(({ template }) => template === `${part.of}.${part.name}`);
  if (!found) return undefined;
  return found.line == null ? found.message : `Line ${found.line}, column ${found.column}: ${found.message}`;
}

/** JSON with its lines; anything else as it is. */
export function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
