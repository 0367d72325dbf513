// The virtual table of servers: a grid whose rows near the view alone are in the document.
import { memo } from "react";
import { Link, useLocation } from "wouter";
import type { Server } from "@/api/types";
import { useLiveVitals } from "@/api/vitals";
import { usePhone } from "@/lib/hooks";
import { formatBytes, formatPercent, NONE } from "@/lib/units";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { LabelChips } from "@/ui/Labels";
import { Glyph, serverWord, severityTone, toneOfServer } from "@/ui/Status";
import { useWindowed } from "@/ui/useWindowed";

const ROW_PX = 36;
const PHONE_ROW_PX = 60;

const COLUMNS = [
  { key: "worst", head: "Server" },
  { key: "cpu", head: "CPU" },
  { key: "memory", head: "Memory" },
  { key: "disk", head: "Fullest disk" },
  { key: "load", head: "Load/core" },
  { key: undefined, head: "Network" },
  { key: "seen", head: "Seen" },
] as const;

interface Props {
  servers: Server[];
  sort: string;
  onSort: (sort: string) => void;
}

export function ServerTable({ servers, sort, onSort }: Props) {
  const phone = usePhone();
  const rowHeight = phone ? PHONE_ROW_PX : ROW_PX;
  const { list, slice } = useWindowed(servers.length, rowHeight);
  return (
    <div className="grid" role="table" aria-label="Servers" aria-rowcount={servers.length + 1}>
      <div className="grid-head" role="row" aria-rowindex={1}>
        {COLUMNS.map(({ key, head }) => (
          <span key={head} role="columnheader" aria-sort={sort === key ? "descending" : undefined}>
            {key ? (
              <button type="button" className="sort" aria-pressed={sort === key} onClick={() => onSort(key)}>
                {head}
                {sort === key ? (key === "worst" ? " · worst first" : " ↓") : ""}
              </button>
            ) : (
              head
            )}
          </span>
        ))}
      </div>
      <div ref={list} role="rowgroup" style={{ height: servers.length * rowHeight, position: "relative" }}>
        {servers.slice(slice.start, slice.end).map((server, offset) => (
          <ServerRow
            key={server.id}
            server={server}
            index={slice.start + offset}
            top={(slice.start + offset) * rowHeight}
            height={rowHeight}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  server: Server;
  index: number;
  top: number;
  height: number;
}

const ServerRow = memo(function ServerRow({ server, index, top, height }: RowProps) {
  const [, navigate] = useLocation();
  const live = useLiveVitals(server.id);
  const vitals = live?.vitals ?? server.vitals;
  const stale = server.status === "lost" || server.status === "away";
  const href = paths.server(server.id);
  const seenAt = live ? new Date(live.at).toISOString() : server.last_report_at;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the name in the row is the link for the keyboard
    <div
      className={stale ? "grid-row is-stale" : "grid-row"}
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 2}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={(event) => !(event.target as Element).closest("a") && navigate(href)}
    >
      <span role="cell" className="grid-main">
        <Glyph tone={toneOfServer(server)} />
        <span className="visually-hidden">{serverWord[server.status]}</span>
        <Link href={href}>{server.name}</Link>
        {server.open_incidents > 0 && server.worst_severity && (
          <span className={`badge tone-${severityTone(server.worst_severity)}`}>
            {server.open_incidents} {server.open_incidents === 1 ? "incident" : "incidents"}
          </span>
        )}
        <span className="grid-labels">
          <LabelChips labels={server.labels} max={4} />
        </span>
      </span>
      <Meter name="CPU" value={vitals?.cpu_percent} />
      <Meter name="Mem" value={vitals?.memory_percent} />
      <Meter name="Disk" value={vitals?.disk_percent} note={vitals?.disk_mountpoint} />
      <span role="cell" className="wide-cell">
        {vitals?.load_per_core == null ? NONE : vitals.load_per_core.toFixed(2)}
      </span>
      <span role="cell" className="wide-cell">
        {vitals?.receive_bytes_per_second == null
          ? NONE
          : `${formatBytes(vitals.receive_bytes_per_second + (vitals.transmit_bytes_per_second ?? 0))}/s`}
      </span>
      <span role="cell" className="wide-cell">
        <Ago at={seenAt} />
      </span>
    </div>
  );
});

const HIGH_PERCENT = 90;

function Meter({
  name,
  value,
  note,
}: {
  name: string;
  value: number | null | undefined;
  note?: string | null;
}) {
  return (
    <span role="cell" className="meter">
      <span className="phone-only meta">{name} </span>
      <span className="meter-value">{formatPercent(value)}</span>
      <span className="meter-track wide-only" aria-hidden="true">
        <span
          className={(value ?? 0) >= HIGH_PERCENT ? "meter-fill high" : "meter-fill"}
          style={{ width: `${Math.min(100, Math.max(0, value ?? 0))}%` }}
        />
      </span>
      {note && <span className="meter-note meta wide-only">{note}</span>}
    </span>
  );
}
