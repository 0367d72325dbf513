// The next days of a schedule as bars, a row for each layer.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { Schedule } from "@/api/types";
import { useNow } from "@/lib/hooks";
import { formatExact, zoneName } from "@/lib/time";
import { Loaded } from "@/ui/Panel";
import { type Bar, dayEdges, dayLabel, holes, type Row, rows } from "./rota";

const MINUTE_MS = 60_000;

export function Rota({ schedule }: { schedule: Schedule }) {
  const now = useNow(MINUTE_MS);
  const edges = dayEdges(new Date(now));
  const range = { from: edges[0] ?? now, to: edges.at(-1) ?? now };
  const iso = (at: number) => new Date(at).toISOString();
  const shifts = useQuery(queries.shifts(schedule.id, iso(range.from), iso(range.to)));
  const place = (at: number) => ((at - range.from) / (range.to - range.from)) * 100;
  return (
    <Loaded query={shifts} lines={3}>
      {({ items }) => (
        <div className="rota" role="group" aria-label={`Next 7 days of ${schedule.name}`} tabIndex={0}>
          <div className="rota-row">
            <span className="meta">{zoneName(new Date(now))}</span>
            <div className="rota-strip rota-days">
              {edges.slice(0, -1).map((edge, day) => (
                <span
                  key={edge}
                  className="meta nowrap"
                  style={{
                    left: `${place(edge)}%`,
                    width: `${place(edges[day + 1] ?? edge) - place(edge)}%`,
                  }}
                >
                  {dayLabel(edge)}
                </span>
              ))}
            </div>
          </div>
          {rows(schedule, items, range).map((row) => (
            <RotaRow key={row.label} row={row} now={place(now)} />
          ))}
          <Holes found={holes(items, range)} />
        </div>
      )}
    </Loaded>
  );
}

function RotaRow({ row, now }: { row: Row; now: number }) {
  return (
    <div className="rota-row">
      <span className="rota-label" title={row.label}>
        {row.label}
      </span>
      <ul className="rota-strip" aria-label={row.label}>
        {row.bars.map((bar) => (
          <BarItem key={bar.key} bar={bar} />
        ))}
        <li className="rota-now" style={{ left: `${now}%` }} aria-hidden="true" />
      </ul>
    </div>
  );
}

function BarItem({ bar }: { bar: Bar }) {
  const words = `${bar.user}, ${formatExact(bar.from)} to ${formatExact(bar.to)}`;
  return (
    <li
      className="rota-bar"
      style={{
        left: `${bar.left}%`,
        width: `${bar.width}%`,
        borderInlineStartColor: `var(--series-${bar.tone})`,
      }}
      title={words}
    >
      <span aria-hidden="true">{bar.user}</span>
      <span className="visually-hidden">{words}</span>
    </li>
  );
}

function Holes({ found }: { found: { left: number; width: number }[] }) {
  if (found.length === 0) return null;
  return (
    <div className="rota-row">
      <span className="rota-label tone-warn">Nobody</span>
      <div
        className="rota-strip"
        role="img"
        aria-label={found.length === 1 ? "Once without anybody" : `${found.length} times without anybody`}
      >
        {found.map(({ left, width }) => (
          <span key={left} className="rota-hole" style={{ left: `${left}%`, width: `${width}%` }} />
        ))}
      </div>
    </div>
  );
}
