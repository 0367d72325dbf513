// Output of an execution as it is read: parts in order of arrival, gaps said, lines of a bounded number.
import type { Execution, OutputPart } from "@/api/types";
import { formatSeconds } from "@/lib/units";

export interface Line {
  key: string;
  stream: string;
  text: string;
}

/** Lines kept in the view; the hub keeps head and tail of what is longer. */
export const LINES_MAX = 5000;

/** New parts behind the known ones; what is already known is skipped. */
export function addParts(known: readonly OutputPart[], fresh: readonly OutputPart[]): OutputPart[] {
  const last = known.at(-1)?.sequence ?? -1;
  return [...known, ...fresh.filter((part) => part.sequence > last)];
}

/** Parts to lines; a part that does not begin where the one before it in its stream ended leaves a note. */
export function toLines(parts: readonly OutputPart[]): Line[] {
  const lines: Line[] = [];
  const ends = new Map<string, number>();
  let open: Line | undefined;
  for (const part of parts) {
    const end = ends.get(part.stream) ?? 0;
    if (part.offset > end) {
      open = undefined;
      lines.push({
        key: `gap ${part.sequence}`,
        stream: "note",
        text: `… ${part.offset - end} bytes left out …`,
      });
    }
    ends.set(part.stream, part.offset + new TextEncoder().encode(part.text).length);
    if (open && open.stream !== part.stream) open = undefined;
    const pieces = part.text.split("\n");
    pieces.forEach((piece, index) => {
      if (index === 0 && open) open.text += piece;
      else if (index < pieces.length - 1 || piece !== "") {
        open = { key: `${part.sequence} ${index}`, stream: part.stream, text: piece };
        lines.push(open);
      }
      if (index < pieces.length - 1) open = undefined;
    });
  }
  return lines.length > LINES_MAX ? lines.slice(-LINES_MAX) : lines;
}

/** `failed, exit 2, 1.2 s`. */
export function describe(execution: Execution): string {
  const parts = [execution.state.replace(/_/g, " ")];
  if (execution.exit_code != null) parts.push(`exit ${execution.exit_code}`);
  if (execution.started_at && execution.finished_at) {
    parts.push(formatSeconds((Date.parse(execution.finished_at) - Date.parse(execution.started_at)) / 1000));
  }
  if (execution.try_number > 1) parts.push(`try ${execution.try_number}`);
  return parts.join(", ");
}

type Earlier = NonNullable<Execution["earlier"]>[number];

/** `Try 1 was lost: nobody knows how it ended.` */
export function earlierWords({ state, reason }: Earlier, number: number): string {
  return `Try ${number} was ${state.replace(/_/g, " ")}${reason ? `: ${reason}` : ""}`;
}
