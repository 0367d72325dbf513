// The server now: numbers, open incidents, charts that share a cursor and a range.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import type { Panel as PanelData, Server, Vitals } from "@/api/types";
import { Chart } from "@/charts/Chart";
import { absolute, RangePicker, useRange } from "@/charts/RangePicker";
import { isLive, type Range, resolveTime } from "@/lib/range";
import { formatBytes, formatPercent, formatSeconds, NONE } from "@/lib/units";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { LabelChips } from "@/ui/Labels";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { IncidentStatus } from "@/ui/Status";
import { usePanels } from "./usePanels";
import type { ServerLive } from "./useServerLive";

const STALE_INTERVALS = 3;

export function OverviewTab({ server, live }: { server: Server; live: ServerLive }) {
  const [range, setRange] = useRange();
  const vitals = live.vitals ?? server.vitals ?? undefined;
  return (
    <>
      <Numbers server={server} vitals={vitals} />
      <OpenIncidents server={server} />
      <Panel title="Charts" actions={<RangePicker range={range} onChange={setRange} />}>
        {server.status === "pending" ? (
          <Empty title="No report yet">
            The charts begin with the agent's first report.{" "}
            <Link href={paths.serverAdd}>Install the agent</Link>
          </Empty>
        ) : (
          <Charts server={server} range={range} setRange={setRange} ticks={live.ticks} />
        )}
      </Panel>
      <FactsPanel server={server} />
    </>
  );
}

function Numbers({ server, vitals }: { server: Server; vitals: Vitals | undefined }) {
  const age = server.last_report_at ? (Date.now() - Date.parse(server.last_report_at)) / 1000 : Infinity;
  const stale = server.status !== "up" && age > STALE_INTERVALS * server.interval_seconds;
  const tiles: [string, string, string][] = [
    ["CPU", formatPercent(vitals?.cpu_percent), `${server.facts?.cpus ?? "?"} cores`],
    ["Memory", formatPercent(vitals?.memory_percent), `of ${formatBytes(server.facts?.memory_bytes)}`],
    ["Fullest disk", formatPercent(vitals?.disk_percent), vitals?.disk_mountpoint ?? ""],
    [
      "Load",
      vitals?.load1 == null ? NONE : vitals.load1.toFixed(2),
      `${vitals?.load_per_core?.toFixed(2) ?? "?"} per core`,
    ],
    [
      "Network",
      `${formatBytes(vitals?.receive_bytes_per_second)}/s`,
      `in; out ${formatBytes(vitals?.transmit_bytes_per_second)}/s`,
    ],
    ["Processes", String(vitals?.processes ?? NONE), `up ${formatSeconds(vitals?.uptime_seconds)}`],
  ];
  return (
    <div className="tiles compact" data-testid="vitals">
      {tiles.map(([name, value, note]) => (
        <div key={name} className="tile">
          <span className="name">{name}</span>
          <span
            className={stale ? "value stale" : "value"}
            title={stale ? "Old: the server does not report" : undefined}
          >
            {value}
          </span>
          <span className="note">{stale ? <StaleNote at={server.last_report_at} /> : note}</span>
        </div>
      ))}
    </div>
  );
}

function StaleNote({ at }: { at: string | null | undefined }) {
  return (
    <>
      old: <Ago at={at} />
    </>
  );
}

function OpenIncidents({ server }: { server: Server }) {
  const open = useQuery({
    ...queries.incidents({ server: server.id, state: "triggered,acknowledged" }),
    enabled: server.open_incidents > 0,
  });
  if (!open.data?.items.length) return null;
  return (
    <Panel title="Open incidents" flush>
      <ul className="list">
        {open.data.items.map((incident) => (
          <li key={incident.id} className="row list-row">
            <IncidentStatus incident={incident} />
            <Link href={paths.incident(incident.number)}>
              INC-{incident.number} {incident.title}
            </Link>
            <span className="meta">
              since <Ago at={incident.triggered_at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

interface ChartsProps {
  server: Server;
  range: Range;
  setRange: (range: Range) => void;
  ticks: number;
}

function Charts({ server, range, setRange, ticks }: ChartsProps) {
  const { query, extend } = usePanels(server.id, range);
  const grow = useRef(extend);
  grow.current = extend;
  useEffect(() => {
    if (ticks > 0) void grow.current();
  }, [ticks]);
  return (
    <Loaded query={query} lines={14}>
      {(panels) => {
        const end = isLive(range) ? Date.parse(panels.to_at) / 1000 : Date.now() / 1000;
        const shown = {
          from: resolveTime(range.from, end) ?? Date.parse(panels.from_at) / 1000,
          to: resolveTime(range.to, end) ?? end,
        };
        const drawn = panels.panels.filter((panel) => panel.series.length > 0 || panel.error);
        const silent = panels.panels.filter((panel) => !drawn.includes(panel));
        return (
          <div className="charts">
            {drawn.map((panel) => (
              <PanelChart
                key={panel.id}
                panel={panel}
                range={shown}
                onZoom={(from, to) => setRange(absolute(from, to))}
              />
            ))}
            {panels.warnings.map((warning) => (
              <p key={warning} className="meta">
                {warning}
              </p>
            ))}
            {silent.length > 0 && (
              <p className="meta">No data in this range: {silent.map((panel) => panel.title).join(", ")}.</p>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

interface PanelChartProps {
  panel: PanelData;
  range: { from: number; to: number };
  onZoom: (from: number, to: number) => void;
}

function PanelChart({ panel, range, onZoom }: PanelChartProps) {
  if (panel.error && panel.series.length === 0) {
    return (
      <figure className="chart">
        <figcaption className="chart-head">
          <h3>{panel.title}</h3>
        </figcaption>
        <div className="chart-empty" style={{ height: 180 }}>
          {panel.error}
        </div>
      </figure>
    );
  }
  return (
    <Chart
      title={panel.title}
      columns={panel}
      look={{ unit: panel.unit, stacked: panel.stacked, height: 180, syncKey: "server" }}
      range={range}
      onZoom={onZoom}
      expr={panel.expr}
    />
  );
}

function FactsPanel({ server }: { server: Server }) {
  const { facts } = server;
  const rows: [string, React.ReactNode][] = facts
    ? [
        ["Host name", facts.hostname],
        ["System", facts.os],
        ["Kernel", `${facts.kernel} ${facts.arch}`],
        ["Processor", `${facts.cpu_model}, ${facts.cpus} cores`],
        ["Memory", formatBytes(facts.memory_bytes)],
        ["Swap", facts.swap_bytes > 0 ? formatBytes(facts.swap_bytes) : "none"],
        ["Booted", <Ago key="booted" at={facts.booted_at} />],
        ["Virtualization", facts.virtualization || "none"],
        ["Init", facts.init],
        ["Addresses", facts.addresses.join(", ") || NONE],
        ["Local policy", facts.policy],
      ]
    : [];
  return (
    <Panel title="About this server">
      <dl className="facts">
        <div>
          <dt>Labels</dt>
          <dd>{Object.keys(server.labels).length > 0 ? <LabelChips labels={server.labels} /> : "none"}</dd>
        </div>
        <div>
          <dt>Agent</dt>
          <dd>{server.agent_version ?? "not installed"}</dd>
        </div>
        <div>
          <dt>Last report</dt>
          <dd>
            <Ago at={server.last_report_at} />
          </dd>
        </div>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {facts?.refuses && (
        <p className="notice tone-warn" style={{ marginTop: "1rem" }}>
          <strong>This agent refuses commands</strong> {facts.refuses}
        </p>
      )}
    </Panel>
  );
}
