// Who has it: everybody on call, and what a schedule warns of.
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import type { Schedule } from "@/api/types";
import { paths } from "@/paths";
import { Panel } from "@/ui/Panel";
import { Badge, Status } from "@/ui/Status";

const SHOWN_MAX = 6;

export function OnCall() {
  const schedules = useQuery(queries.schedules());
  const items = schedules.data?.items ?? [];
  if (items.length === 0) return null;
  // Where nobody is comes first: that is what must be seen.
  const sorted = [...items].sort((a, b) => Number(a.on_call.length > 0) - Number(b.on_call.length > 0));
  return (
    <Panel flush title="On call" actions={<Link href={paths.onCall}>All schedules</Link>}>
      <ul>
        {sorted.slice(0, SHOWN_MAX).map((schedule) => (
          <Line key={schedule.id} schedule={schedule} />
        ))}
        {sorted.length > SHOWN_MAX && <li className="list-row meta">and {sorted.length - SHOWN_MAX} more</li>}
      </ul>
    </Panel>
  );
}

function Line({ schedule }: { schedule: Schedule }) {
  const { name, on_call, timezone, warnings } = schedule;
  const people = [...new Set(on_call.map((person) => person.user))].join(", ");
  return (
    <li className="list-row row">
      <span className="grow">
        <strong>{name}</strong> <span className="meta">{timezone}</span>
      </span>
      {people ? <span>{people}</span> : <Status tone="crit">nobody</Status>}
      {warnings.length > 0 && (
        <Badge tone="warn">{warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`}</Badge>
      )}
    </li>
  );
}
