// Which servers a selector means now, counted while it is typed.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { useSettled } from "@/lib/hooks";
import { problemOf } from "./Panel";

const NAMES_SHOWN_MAX = 12;

export function Targets({ on }: { on: string }) {
  const settled = useSettled(on, 250);
  const matching = useQuery(queries.serverCount(settled));
  if (settled.trim() === "") return <p className="meta">No server is selected yet.</p>;
  if (matching.error) return <p className="error">{problemOf(matching.error).detail}</p>;
  if (!matching.data) return <p className="meta">Looking…</p>;
  const { items, next } = matching.data;
  return (
    <p className="meta" aria-live="polite">
      Matches {items.length}
      {next ? "+" : ""} {items.length === 1 ? "server" : "servers"}
      {items.length > 0 && ": "}
      {items
        .slice(0, NAMES_SHOWN_MAX)
        .map((server) => server.name)
        .join(", ")}
      {items.length > NAMES_SHOWN_MAX && "…"}
    </p>
  );
}
