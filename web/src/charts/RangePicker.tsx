// The time range of a page, kept in its URL.
import { useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import { isLive, PRESETS, type Range } from "@/lib/range";
import { formatShort } from "@/lib/time";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";

const DEFAULT: Range = { from: "now-15m", to: "now" };

export function useRange(): [Range, (range: Range) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const range = useMemo(() => {
    const params = new URLSearchParams(search);
    return { from: params.get("from") ?? DEFAULT.from, to: params.get("to") ?? DEFAULT.to };
  }, [search]);
  const set = ({ from, to }: Range) => {
    const params = new URLSearchParams(search);
    params.set("from", from);
    if (to === "now") params.delete("to");
    else params.set("to", to);
    navigate(`${path}?${params}`);
  };
  return [range, set];
}

/** Drag on a chart: seconds to an absolute range. */
export function absolute(from: number, to: number): Range {
  return { from: new Date(from * 1000).toISOString(), to: new Date(to * 1000).toISOString() };
}

export function RangePicker({ range, onChange }: { range: Range; onChange: (range: Range) => void }) {
  const preset = PRESETS.find(({ from }) => from === range.from && range.to === "now");
  return (
    <div className="row">
      <select
        className="select inline"
        aria-label="Time range"
        value={preset?.from ?? "custom"}
        onChange={(event) => onChange({ from: event.target.value, to: "now" })}
      >
        {PRESETS.map(({ from, label }) => (
          <option key={from} value={from}>
            Last {label}
          </option>
        ))}
        {!preset && (
          <option value="custom">
            {isLive(range)
              ? `${range.from} to now`
              : `${formatShort(range.from)} to ${formatShort(range.to)}`}
          </option>
        )}
      </select>
      {!isLive(range) && <Button onClick={() => onChange(DEFAULT)}>Back to live</Button>}
      {!isLive(range) && <CopyButton text={window.location.href} label="Copy link" />}
    </div>
  );
}
