// One incident in a list: what, where, since when, who has it, what happens next.
import { Link } from "wouter";
import type { Incident } from "@/api/types";
import { formatSeconds } from "@/lib/units";
import { paths } from "@/paths";
import { Ago, Due } from "./Ago";
import { Badge, IncidentStatus, words } from "./Status";

const REPAIR_GOOD = "fixed";

export function NextAction({ incident }: { incident: Pick<Incident, "pending_actions"> }) {
  const next = incident.pending_actions[0];
  if (!next) return null;
  return (
    <span>
      {next.text} <Due at={next.at} />
    </span>
  );
}

function Standing({ incident }: { incident: Incident }) {
  if (incident.merged_into != null) {
    return (
      <span>
        merged into <Link href={paths.incident(incident.merged_into)}>INC-{incident.merged_into}</Link>{" "}
        <Ago at={incident.resolved_at} />
      </span>
    );
  }
  if (incident.state === "resolved") {
    return (
      <span>
        resolved {incident.resolved_by ? `by ${incident.resolved_by} ` : ""}
        <Ago at={incident.resolved_at} />, after {formatSeconds(incident.time_to_resolve_seconds)}
      </span>
    );
  }
  if (incident.state === "acknowledged") {
    return (
      <span>
        {incident.acknowledged_by ?? "somebody"} has it since <Ago at={incident.acknowledged_at} />
      </span>
    );
  }
  return (
    <span>
      unacknowledged since <Ago at={incident.triggered_at} />
    </span>
  );
}

interface LineProps {
  incident: Incident;
  action?: React.ReactNode;
  /** Before its state: a box to select it. */
  select?: React.ReactNode;
}

export function IncidentLine({ incident, action, select }: LineProps) {
  return (
    <li className="incident-line">
      <div className="incident-status row">
        {select}
        <IncidentStatus incident={incident} />
      </div>
      <div className="incident-text">
        <div className="row">
          <Link className="incident-title" href={paths.incident(incident.number)}>
            <span className="meta">INC-{incident.number}</span> {incident.title}
          </Link>
          {incident.test && <Badge tone="muted">TEST</Badge>}
          {incident.unanswered && <Badge tone="crit">nobody answered</Badge>}
          {incident.repair && (
            <Badge tone={incident.repair === REPAIR_GOOD ? "ok" : "unknown"}>
              repair: {words(incident.repair)}
            </Badge>
          )}
        </div>
        <div className="meta dots">
          {incident.server && <span>{incident.server}</span>}
          <span>{incident.service}</span>
          <Standing incident={incident} />
          {incident.alert_count > 1 && <span>{incident.alert_count} alerts</span>}
          <NextAction incident={incident} />
        </div>
      </div>
      {action}
    </li>
  );
}
