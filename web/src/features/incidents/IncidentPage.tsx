// One incident: what, where, since when, who has it, what happens next. The actions do not wait for the charts.
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ApiError } from "@/api/client";
import { queries } from "@/api/queries";
import type { Incident } from "@/api/types";
import { formatSeconds } from "@/lib/units";
import { paths } from "@/paths";
import { Ago, At, Due } from "@/ui/Ago";
import { LabelChips } from "@/ui/Labels";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel, problemOf } from "@/ui/Panel";
import { Badge, Glyph, IncidentStatus, severityTone, words } from "@/ui/Status";
import { ActionBar } from "./ActionBar";
import { IncidentChart } from "./IncidentChart";
import { Deliveries, Timeline } from "./Timeline";
import { TopProcesses } from "./TopProcesses";

export function IncidentPage({ params }: { params: { number: string } }) {
  const incident = useQuery(queries.incident(params.number));
  const missing = incident.error instanceof ApiError && incident.error.code === "not_found";
  const parents = [{ label: "Incidents", href: paths.incidents }];
  if (!incident.data) {
    return (
      <Page title={`INC-${params.number}`} parents={parents}>
        <Panel>
          {missing ? (
            <Empty
              title="There is no such incident"
              action={<Link href={paths.incidents}>All incidents</Link>}
            >
              {problemOf(incident.error).detail}
            </Empty>
          ) : (
            <Loaded query={incident} lines={8}>
              {() => null}
            </Loaded>
          )}
        </Panel>
      </Page>
    );
  }
  return <Shown incident={incident.data} />;
}

function Shown({ incident }: { incident: Incident }) {
  const id = String(incident.number);
  return (
    <Page
      title={`INC-${incident.number}`}
      parents={[{ label: "Incidents", href: paths.incidents }]}
      className="incident-page"
      heading={<Heading incident={incident} />}
      cli={`watchtower incident get ${incident.number}`}
    >
      {incident.suppressed_by && (
        <p className="notice">Nobody is paged: suppressed by {incident.suppressed_by}.</p>
      )}
      <Pending incident={incident} />
      <ActionBar incident={incident} />
      <div className="columns">
        <div className="stack">
          {incident.chart && <IncidentChart incident={incident} hint={incident.chart} />}
          <Timeline incident={id} />
        </div>
        <div className="stack">
          <Facts incident={incident} />
          <Alerts incident={incident} />
          <Deliveries incident={id} />
          {incident.processes && <TopProcesses processes={incident.processes} />}
        </div>
      </div>
    </Page>
  );
}

function Heading({ incident }: { incident: Incident }) {
  return (
    <div className="stack tight" style={{ flex: "1 1 auto" }}>
      <div className="row">
        <IncidentStatus incident={incident} />
        <Badge
          tone={incident.state === "resolved" ? "ok" : incident.state === "acknowledged" ? "muted" : "crit"}
        >
          {incident.state === "triggered" ? "unacknowledged" : incident.state}
        </Badge>
        {incident.test && <Badge tone="muted">TEST</Badge>}
        {incident.flapping && <Badge tone="warn">flapping</Badge>}
        {incident.unanswered && <Badge tone="crit">nobody answered</Badge>}
      </div>
      <h1>
        <span className="meta">INC-{incident.number}</span> {incident.title}
      </h1>
      <div className="meta dots">
        {incident.server && (
          <Link href={paths.server(incident.server_id ?? incident.server)}>{incident.server}</Link>
        )}
        <span>service {incident.service}</span>
        <span>
          since <At at={incident.triggered_at} /> (<Ago at={incident.triggered_at} />)
        </span>
        {incident.acknowledged_by && incident.state === "acknowledged" && (
          <span>{incident.acknowledged_by} has it</span>
        )}
        {incident.recurrence_of != null && (
          <Link href={paths.incident(incident.recurrence_of)}>again after INC-{incident.recurrence_of}</Link>
        )}
        {incident.merged_into != null && (
          <Link href={paths.incident(incident.merged_into)}>goes on in INC-{incident.merged_into}</Link>
        )}
        {incident.merged?.map((number) => (
          <Link key={number} href={paths.incident(number)}>
            with INC-{number}
          </Link>
        ))}
        {incident.runbook_url && (
          <a href={incident.runbook_url} rel="noreferrer">
            Runbook
          </a>
        )}
      </div>
    </div>
  );
}

function Pending({ incident }: { incident: Incident }) {
  if (incident.pending_actions.length === 0) return null;
  return (
    <ul className="notice tone-warn pending">
      {incident.pending_actions.map((action) => (
        <li key={`${action.kind} ${action.at} ${action.text}`}>
          <strong>{action.text}</strong> <Due at={action.at} />
        </li>
      ))}
    </ul>
  );
}

function Facts({ incident }: { incident: Incident }) {
  return (
    <Panel title="How it went">
      <dl className="facts">
        <div>
          <dt>Time to acknowledge</dt>
          <dd>
            {incident.time_to_acknowledge_seconds == null
              ? "not yet"
              : formatSeconds(incident.time_to_acknowledge_seconds)}
          </dd>
        </div>
        <div>
          <dt>Time to resolve</dt>
          <dd>
            {incident.time_to_resolve_seconds == null
              ? "not yet"
              : formatSeconds(incident.time_to_resolve_seconds)}
          </dd>
        </div>
        <div>
          <dt>Urgency</dt>
          <dd>{incident.urgency}</dd>
        </div>
        <div>
          <dt>Repair</dt>
          <dd>{incident.repair ? <Link href={paths.automations}>{words(incident.repair)}</Link> : "none"}</dd>
        </div>
        {incident.reopened > 0 && (
          <div>
            <dt>Reopened</dt>
            <dd>{incident.reopened === 1 ? "once" : `${incident.reopened} times`}</dd>
          </div>
        )}
        {incident.state === "resolved" && (
          <div>
            <dt>Resolved</dt>
            <dd>
              {incident.resolved_by ?? "by itself"}
              {incident.resolve_reason ? `: ${words(incident.resolve_reason)}` : ""}
            </dd>
          </div>
        )}
      </dl>
    </Panel>
  );
}

function Alerts({ incident }: { incident: Incident }) {
  const alerts = incident.alerts ?? [];
  return (
    <Panel flush title={`Alerts (${incident.open_alert_count} of ${incident.alert_count} open)`}>
      {incident.in_common && <p className="notice">Their servers: {incident.in_common}.</p>}
      {alerts.length === 0 ? (
        <Empty title="None listed" />
      ) : (
        <ul>
          {alerts.map((alert) => (
            <li key={alert.id} className="list-row stack tight">
              <div className="row">
                <Glyph tone={alert.state === "firing" ? severityTone(alert.severity) : "ok"} />
                <strong>{alert.summary}</strong>
              </div>
              {alert.description && <p className="dim">{alert.description}</p>}
              <div className="meta dots">
                <span>{alert.state}</span>
                {alert.rule_id && <Link href={paths.rule(alert.rule_id)}>its rule</Link>}
                <span>
                  since <Ago at={alert.first_seen_at} />
                </span>
              </div>
              <div className="row">
                <LabelChips labels={alert.labels} />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
