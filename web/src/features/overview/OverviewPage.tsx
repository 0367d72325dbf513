// Is anything wrong now, and who has it?
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useAcknowledge } from "@/api/incident-actions";
import { useFleetVitals } from "@/api/live-hooks";
import { queries } from "@/api/queries";
import type { Incident, Overview } from "@/api/types";
import { useKey } from "@/lib/hooks";
import { formatSeconds } from "@/lib/units";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { IncidentLine } from "@/ui/IncidentLine";
import { Page } from "@/ui/Page";
import { Empty, ErrorNotice, Loaded, Panel } from "@/ui/Panel";
import { Glyph, severityTone, type Tone } from "@/ui/Status";
import { toastError } from "@/ui/toast";
import { Checklist } from "./Checklist";
import { FleetMap } from "./FleetMap";
import { OnCall } from "./OnCall";

const ACTIVITY_MAX = 8;

export function OverviewPage() {
  const overview = useQuery(queries.overview());
  const status = useQuery(queries.status());
  useFleetVitals();
  return (
    <Page
      title="Overview"
      cli="watchtower status"
      actions={
        <Link className="button" href={paths.serverAdd}>
          Add server
        </Link>
      }
    >
      {status.error ? (
        <ErrorNotice
          error={status.error}
          retry={() => void status.refetch()}
          title="The hub's own health is unknown"
        />
      ) : (
        <HubProblems problems={status.data?.problems ?? []} />
      )}
      <Loaded query={overview} lines={6}>
        {(data) => <Tiles overview={data} />}
      </Loaded>
      <Checklist />
      <div className="columns">
        <div className="stack">
          <NeedsAction overview={overview.data} />
          <Panel title="Fleet" actions={<Link href={paths.servers}>All servers</Link>}>
            <FleetMap />
          </Panel>
        </div>
        <div className="stack">
          <OnCall />
          <Times overview={overview.data} />
          <Activity overview={overview.data} />
        </div>
      </div>
    </Page>
  );
}

function HubProblems({ problems }: { problems: string[] }) {
  const me = useQuery(queries.me());
  if (problems.length === 0) return null;
  return (
    <div className="notice tone-warn" role="status">
      <div className="row">
        <strong>The hub itself</strong>
        {me.data?.needs_catch_all && (
          <Link className="button small" href={paths.channels}>
            Name a catch-all channel
          </Link>
        )}
      </div>
      <ul>
        {problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </div>
  );
}

interface TileProps {
  href: string;
  name: string;
  value: number;
  note: string;
  tone: Tone;
}

function Tile({ href, name, value, note, tone }: TileProps) {
  return (
    <Link className="tile" href={href}>
      <span className="name">{name}</span>
      <span className="value">
        <Glyph tone={tone} /> {value}
      </span>
      <span className="note">{note}</span>
    </Link>
  );
}

function Tiles({ overview }: { overview: Overview }) {
  const { servers, stats } = overview;
  const silent = servers.lost + servers.away;
  return (
    <div className="tiles">
      <Tile
        href={`${paths.incidents}?state=triggered`}
        name="Unacknowledged"
        value={stats.unacknowledged}
        note={`${stats.open} open`}
        tone={stats.unacknowledged > 0 ? "crit" : "ok"}
      />
      <Tile
        href={`${paths.servers}?status=critical`}
        name="Servers in trouble"
        value={servers.critical + servers.warning}
        note={`of ${servers.total}; ${servers.critical} critical`}
        tone={servers.critical > 0 ? "crit" : servers.warning > 0 ? "warn" : "ok"}
      />
      <Tile
        href={`${paths.servers}?status=lost,away`}
        name="Not reporting"
        value={silent}
        note={`${servers.up} up, ${servers.maintenance} in maintenance`}
        tone={silent > 0 ? "crit" : "ok"}
      />
      <Tile
        href={overview.deployments_in_progress > 0 ? paths.deploys : paths.runs}
        name="In progress"
        value={overview.runs_in_progress + overview.deployments_in_progress}
        note={`${overview.runs_in_progress} runs, ${overview.deployments_in_progress} deploys`}
        tone="unknown"
      />
    </div>
  );
}

function NeedsAction({ overview }: { overview: Overview | undefined }) {
  const acknowledge = useAcknowledge();
  const ack = (incident: Incident) =>
    acknowledge(incident).catch((error) => toastError(`INC-${incident.number} not acknowledged`, error));
  const first = overview?.needs_action.find((incident) => incident.state === "triggered");
  useKey("a", () => first && void ack(first), first !== undefined);
  if (!overview) return null;
  return (
    <Panel flush title="Needs action" actions={<Link href={paths.incidents}>All incidents</Link>}>
      {overview.needs_action.length === 0 ? (
        <Empty title="No open incidents">Nothing needs you now.</Empty>
      ) : (
        <ul>
          {overview.needs_action.map((incident) => (
            <IncidentLine
              key={incident.id}
              incident={incident}
              action={
                incident.state === "triggered" && (
                  <Button
                    needs="respond"
                    kind={incident === first ? "primary" : undefined}
                    aria-label={`Ack INC-${incident.number}`}
                    title={incident === first ? "Acknowledge (a)" : "Acknowledge"}
                    onClick={() => void ack(incident)}
                  >
                    Ack
                  </Button>
                )
              }
            />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Times({ overview }: { overview: Overview | undefined }) {
  if (!overview) return null;
  const { stats } = overview;
  const rows: [string, number | null | undefined, number | null | undefined][] = [
    ["To acknowledge", stats.time_to_acknowledge_p50_seconds, stats.time_to_acknowledge_p90_seconds],
    ["To resolve", stats.time_to_resolve_p50_seconds, stats.time_to_resolve_p90_seconds],
  ];
  return (
    <Panel
      title="Response"
      actions={
        <span className="meta">
          since <Ago at={stats.since_at} />
        </span>
      }
    >
      <dl className="facts">
        {rows.map(([name, median, p90]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <strong>{formatSeconds(median)}</strong>{" "}
              <span className="meta">median, p90 {formatSeconds(p90)}</span>
            </dd>
          </div>
        ))}
        <div>
          <dt>Incidents</dt>
          <dd>
            {stats.total} <span className="meta">{stats.auto_resolved} resolved by themselves</span>
          </dd>
        </div>
      </dl>
    </Panel>
  );
}

function Activity({ overview }: { overview: Overview | undefined }) {
  if (!overview) return null;
  return (
    <Panel flush title="Recent activity">
      {overview.activity.length === 0 ? (
        <Empty title="Quiet so far" />
      ) : (
        <ul>
          {overview.activity.slice(0, ACTIVITY_MAX).map((entry) => (
            <li key={`${entry.at} ${entry.text}`} className="list-row activity">
              <Glyph tone={entry.severity ? severityTone(entry.severity) : "unknown"} />
              <span>{entry.link ? <Link href={entry.link}>{entry.text}</Link> : entry.text}</span>
              <span className="meta">
                <Ago at={entry.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
