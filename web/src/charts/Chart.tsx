// A chart with its legend, its text summary, its keyboard and its table: the drawing is only one way to read it.
import { lazy, Suspense, useMemo, useState } from "react";
import { formatExact } from "@/lib/time";
import { formatUnit } from "@/lib/units";
import { Button } from "@/ui/Button";
import type { Look } from "./plot-options";
import { type Columns, reduce, type Series, statsOf } from "./series";

const Plot = lazy(async () => ({ default: (await import("./Plot")).Plot }));

const TABLE_ROWS_MAX = 120;

interface ChartProps {
  title: string;
  columns: Columns;
  look: Look;
  range: { from: number; to: number };
  onZoom?: (from: number, to: number) => void;
  /** PromQL behind it. */
  expr?: string;
}

function summaryOf(title: string, series: readonly Series[], unit: string): string {
  const parts = series.map((one) => {
    const { last, min, max } = statsOf(one.values);
    if (last === null) return `${one.name}: no data`;
    return `${one.name} ${formatUnit(last, unit)}, between ${formatUnit(min, unit)} and ${formatUnit(max, unit)}`;
  });
  return `${title}. ${parts.join("; ") || "No data."}`;
}

export function Chart({ title, columns, look, range, onZoom, expr }: ChartProps) {
  const [asTable, setAsTable] = useState(false);
  const [cursor, setCursor] = useState<number | null>(null);
  const [keyIndex, setKeyIndex] = useState<number>();
  const { shown, hidden } = useMemo(
    () => reduce(columns.series, look.stacked),
    [columns.series, look.stacked],
  );
  const drawn = useMemo(() => ({ times: columns.times, series: shown }), [columns.times, shown]);
  const empty =
    columns.times.length === 0 || shown.every((series) => series.values.every((value) => value === null));

  const move = (by: number) => {
    const end = columns.times.length - 1;
    const from = keyIndex ?? cursor ?? end;
    setKeyIndex(Math.max(0, Math.min(end, from + by)));
  };
  return (
    <figure className="chart">
      <figcaption className="chart-head">
        <h3>{title}</h3>
        <Button
          kind="quiet"
          small
          icon="table"
          aria-pressed={asTable}
          aria-label={`${title} as a table`}
          title={expr ? `As a table. PromQL: ${expr}` : "As a table"}
          onClick={() => setAsTable(!asTable)}
        />
      </figcaption>
      {empty ? (
        <div className="chart-empty" style={{ height: look.height }}>
          No data in this range
        </div>
      ) : asTable ? (
        <ChartTable title={title} columns={drawn} unit={look.unit} height={look.height} />
      ) : (
        <div
          className="chart-plot"
          tabIndex={0}
          role="group"
          aria-label={summaryOf(title, shown, look.unit)}
          onKeyDown={(event) => {
            const step = event.shiftKey ? 10 : 1;
            if (event.key === "ArrowLeft") move(-step);
            else if (event.key === "ArrowRight") move(step);
            else return;
            event.preventDefault();
          }}
          onBlur={() => setKeyIndex(undefined)}
        >
          <Suspense fallback={<div style={{ height: look.height }} />}>
            <Plot
              columns={drawn}
              look={look}
              range={range}
              onCursor={setCursor}
              onZoom={(from, to) => onZoom?.(from, to)}
              keyIndex={keyIndex}
            />
          </Suspense>
        </div>
      )}
      <Legend
        series={shown}
        times={columns.times}
        unit={look.unit}
        index={keyIndex ?? cursor}
        hidden={hidden}
      />
      {keyIndex !== undefined && (
        <span className="visually-hidden" aria-live="polite">
          {shown.map((one) => `${one.name} ${formatUnit(one.values[keyIndex], look.unit)}`).join(", ")}
        </span>
      )}
    </figure>
  );
}

interface LegendProps {
  series: readonly Series[];
  times: readonly number[];
  unit: string;
  /** Point under the cursor; the last value otherwise. */
  index: number | null;
  hidden: number;
}

function Legend({ series, times, unit, index, hidden }: LegendProps) {
  const at = index === null ? undefined : times[index];
  return (
    <ul className="legend">
      {series.map((one, position) => (
        <li key={one.name}>
          <span className="swatch" style={{ background: `var(--series-${(position % 6) + 1})` }} />
          <span className="legend-name" title={one.name}>
            {one.name}
          </span>
          <span className="legend-value">
            {formatUnit(index === null ? statsOf(one.values).last : one.values[index], unit)}
          </span>
        </li>
      ))}
      {hidden > 0 && <li className="meta">{hidden} more in the table</li>}
      {at !== undefined && <li className="meta">{formatExact(new Date(at * 1000)).slice(11)}</li>}
    </ul>
  );
}

function ChartTable({
  title,
  columns,
  unit,
  height,
}: {
  title: string;
  columns: Columns;
  unit: string;
  height: number;
}) {
  const first = Math.max(0, columns.times.length - TABLE_ROWS_MAX);
  const rows = columns.times.slice(first).map((time, index) => ({ time, index: first + index }));
  return (
    <div
      className="table-wrap"
      style={{ height, overflow: "auto" }}
      tabIndex={0}
      role="group"
      aria-label={`${title}, table`}
    >
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {columns.series.map((series) => (
              <th key={series.name} scope="col" className="num">
                {series.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.reverse().map(({ time, index }) => (
            <tr key={time}>
              <td className="nowrap">{formatExact(new Date(time * 1000))}</td>
              {columns.series.map((series) => (
                <td key={series.name} className="num">
                  {formatUnit(series.values[index], unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
