// How it went: times to acknowledge and to resolve, noisy rules, and whom pages interrupted at which hour.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { IncidentAnalytics, IncidentFigures } from "@/api/types";
import { formatPercent, formatSeconds } from "@/lib/units";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { IncidentTabs } from "@/ui/IncidentTabs";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";
import { People } from "./People";

const RANGES = [
  { from: "now-7d", label: "7 days" },
  { from: "now-30d", label: "30 days" },
  { from: "now-90d", label: "90 days" },
  { from: "now-365d", label: "A year" },
];
const DEFAULT = "now-30d";

export function AnalyticsPage() {
  const [range, setRange] = useUrlState("from");
  const [team, setTeam] = useUrlState("team");
  const [service, setService] = useUrlState("service");
  const from = range || DEFAULT;
  const services = useQuery(queries.services());
  const teams = useQuery(queries.teams());
  const found = useQuery(queries.incidentAnalytics({ from, team, service }));
  const names = (items: { name: string }[] | undefined) => (items ?? []).map(({ name }) => name);
  return (
    <Page
      title="How it went"
      parents={[{ label: "Incidents", href: paths.incidents }]}
      cli={`watchtower incident stats --by rule --from ${from} -o csv`}
    >
      <IncidentTabs />
      <div className="row">
        {RANGES.map((one) => (
          <button
            key={one.from}
            type="button"
            className="chip"
            aria-pressed={from === one.from}
            onClick={() => setRange(one.from === DEFAULT ? "" : one.from)}
          >
            {one.label}
          </button>
        ))}
        <Choice label="Team" all="All teams" names={names(teams.data?.items)} value={team} set={setTeam} />
        <Choice
          label="Service"
          all="All services"
          names={names(services.data?.items)}
          value={service}
          set={setService}
        />
      </div>
      <Loaded query={found} lines={8}>
        {(analytics) => <Figures analytics={analytics} />}
      </Loaded>
    </Page>
  );
}

interface ChoiceProps {
  label: string;
  all: string;
  names: string[];
  value: string;
  set: (value: string) => void;
}

function Choice({ label, all, names, value, set }: ChoiceProps) {
  return (
    <select
      className="select inline"
      aria-label={label}
      value={value}
      onChange={(event) => set(event.target.value)}
    >
      <option value="">{all}</option>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function Figures({ analytics }: { analytics: IncidentAnalytics }) {
  const { total } = analytics;
  if (total.incidents === 0) {
    return (
      <Panel>
        <Empty title="No incidents began in this time">Drills are not counted.</Empty>
      </Panel>
    );
  }
  const spread = (p50: number | null | undefined, p90: number | null | undefined) =>
    `median ${formatSeconds(p50)}; p90 ${formatSeconds(p90)}`;
  const tiles = [
    ["Incidents", String(total.incidents), `${total.open} open`],
    [
      "To acknowledge",
      formatSeconds(total.time_to_acknowledge_mean_seconds),
      spread(total.time_to_acknowledge_p50_seconds, total.time_to_acknowledge_p90_seconds),
    ],
    [
      "To resolve",
      formatSeconds(total.time_to_resolve_mean_seconds),
      spread(total.time_to_resolve_p50_seconds, total.time_to_resolve_p90_seconds),
    ],
    ["Ended alone", share(total.ended_alone_share), "within five minutes, acknowledged by nobody"],
  ];
  return (
    <>
      {analytics.truncated && <p className="dim">There are more incidents than are counted here.</p>}
      <div className="tiles">
        {tiles.map(([name, value, note]) => (
          <div key={name} className="tile">
            <span className="name">{name}</span>
            <span className="value">{value}</span>
            <span className="note">{note}</span>
          </div>
        ))}
      </div>
      <Rows title="What opened them" rows={analytics.rules} href={originPath} />
      <People analytics={analytics} />
      <Rows title="Services" rows={analytics.services} />
      {analytics.teams.length > 0 && <Rows title="Teams" rows={analytics.teams} />}
    </>
  );
}

function originPath(row: IncidentFigures): string | undefined {
  const [kind, id] = row.id?.split(":") ?? [];
  return kind === "rule" && id && row.name !== "a removed rule" ? paths.rule(id) : undefined;
}

function share(value: number | null | undefined): string {
  return value == null ? "–" : formatPercent(value * 100);
}

interface RowsProps {
  title: string;
  rows: IncidentFigures[];
  href?: (row: IncidentFigures) => string | undefined;
}

function Rows({ title, rows, href }: RowsProps) {
  const columns: Column<IncidentFigures>[] = [
    {
      key: "name",
      head: "Name",
      main: true,
      sort: (row) => row.name,
      cell: (row) => {
        const path = href?.(row);
        return path ? <a href={path}>{row.name}</a> : row.name;
      },
    },
    {
      key: "incidents",
      head: "Incidents",
      num: true,
      sort: (row) => row.incidents,
      cell: (row) => row.incidents,
    },
    {
      key: "acknowledged",
      head: "Acknowledged",
      num: true,
      sort: (row) => row.acknowledged_share,
      cell: (row) => share(row.acknowledged_share),
    },
    {
      key: "alone",
      head: "Ended alone",
      num: true,
      sort: (row) => row.ended_alone_share,
      cell: (row) => share(row.ended_alone_share),
    },
    {
      key: "ack",
      head: "To acknowledge",
      num: true,
      low: true,
      sort: (row) => row.time_to_acknowledge_mean_seconds,
      cell: (row) => formatSeconds(row.time_to_acknowledge_mean_seconds),
    },
    {
      key: "resolve",
      head: "To resolve",
      num: true,
      low: true,
      sort: (row) => row.time_to_resolve_mean_seconds,
      cell: (row) => formatSeconds(row.time_to_resolve_mean_seconds),
    },
  ];
  return (
    <Panel flush title={title}>
      <Table
        label={title}
        rows={rows}
        columns={columns}
        rowKey={(row) => row.id ?? row.name}
        sortBy="incidents"
        descending
      />
    </Panel>
  );
}
