// Incidents that a text names, so that they can be opened from it.

const MENTION = /\b(?:INC-|incident )(\d{1,15})\b/g;

export interface Part {
  /** Where it begins in the text. */
  at: number;
  text: string;
  /** The number of the incident that this part names. */
  incident?: number;
}

/** The text in parts, in order: joined they are the text. */
export function mentions(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(MENTION)) {
    if (match.index > at) parts.push({ at, text: text.slice(at, match.index) });
    parts.push({ at: match.index, text: match[0], incident: Number(match[1]) });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ at, text: text.slice(at) });
  return parts;
}
