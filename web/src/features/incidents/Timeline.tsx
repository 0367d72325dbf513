// Everything that happened, in order; and what became of each message to people.
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import type { Delivery, TimelineEntry } from "@/api/types";
import { mentions } from "@/lib/mentions";
import { zoneName } from "@/lib/time";
import { paths } from "@/paths";
import { Ago, At } from "@/ui/Ago";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge, Glyph, type Tone, words } from "@/ui/Status";

const KIND_TONE: Record<string, Tone> = {
  opened: "crit",
  retriggered: "crit",
  severity_raised: "crit",
  alert_added: "warn",
  escalated: "warn",
  not_paged: "muted",
  step_empty: "warn",
  exhausted: "crit",
  flapping: "warn",
  calm: "muted",
  delivered: "ok",
  delivery_failed: "crit",
  reopened: "crit",
  turn: "muted",
  merged: "muted",
  acknowledged: "muted",
  unacknowledged: "warn",
  alert_resolved: "ok",
  resolved: "ok",
};

export function Timeline({ incident }: { incident: string }) {
  const timeline = useQuery(queries.timeline(incident));
  return (
    <Panel title="Timeline" flush actions={<span className="meta">times in {zoneName()}</span>}>
      <Loaded query={timeline} lines={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing yet" />
          ) : (
            <ol className="timeline">
              {[...items].reverse().map((entry) => (
                <Entry key={entry.sequence} entry={entry} />
              ))}
            </ol>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Entry({ entry }: { entry: TimelineEntry }) {
  return (
    <li>
      <Glyph tone={KIND_TONE[entry.kind] ?? "unknown"} />
      <div className="stack tight">
        <div>
          <span className="text">
            <Mentioning text={entry.text} />
          </span>{" "}
          {entry.run_number != null && <Link href={paths.run(entry.run_number)}>run {entry.run_number}</Link>}
          <div className="meta dots">
            <At at={entry.at} />
            <span>{words(entry.kind)}</span>
            {entry.actor && <span>{entry.actor}</span>}
          </div>
        </div>
        {entry.detail && entry.detail !== entry.text && <pre className="code-block">{entry.detail}</pre>}
      </div>
    </li>
  );
}

/** A text whose incidents can be opened. */
function Mentioning({ text }: { text: string }) {
  return mentions(text).map((part) =>
    part.incident === undefined ? (
      part.text
    ) : (
      <Link key={part.at} href={paths.incident(part.incident)}>
        {part.text}
      </Link>
    ),
  );
}

const DELIVERY_TONE: Record<string, Tone> = { delivered: "ok", failed: "crit", cancelled: "muted" };

export function Deliveries({ incident }: { incident: string }) {
  const deliveries = useQuery(queries.deliveries(incident));
  return (
    <Panel title="Messages to people" flush>
      <Loaded query={deliveries} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No message was sent">The timeline says why.</Empty>
          ) : (
            <ul>
              {items.map((delivery) => (
                <DeliveryRow key={delivery.id} delivery={delivery} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

function DeliveryRow({ delivery }: { delivery: Delivery }) {
  return (
    <li className="list-row stack tight">
      <div className="row">
        <Badge tone={DELIVERY_TONE[delivery.state] ?? "unknown"}>{delivery.state}</Badge>
        <strong>{delivery.channel}</strong>
        <span className="meta">{words(delivery.kind)}</span>
      </div>
      <div className="meta dots">
        <Ago at={delivery.delivered_at ?? delivery.created_at} />
        {delivery.attempts > 1 && <span>{delivery.attempts} attempts</span>}
        {delivery.next_at && delivery.state === "pending" && (
          <span>
            next try <Ago at={delivery.next_at} />
          </span>
        )}
      </div>
      {delivery.last_error && <p className="mono dim">{delivery.last_error}</p>}
    </li>
  );
}
