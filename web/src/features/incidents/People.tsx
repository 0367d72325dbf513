// Whom pages interrupted, and at which hour of their day.
import type { IncidentAnalytics, PersonFigures } from "@/api/types";
import { Empty, Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";
import { hourWords } from "./hours";

export function People({ analytics }: { analytics: IncidentAnalytics }) {
  const { people, shared_pages } = analytics;
  const most = Math.max(1, ...people.flatMap((person) => person.by_hour));
  const columns: Column<PersonFigures>[] = [
    { key: "name", head: "Person", main: true, sort: (row) => row.name, cell: (row) => row.name },
    {
      key: "interruptions",
      head: "Interruptions",
      num: true,
      sort: (row) => row.interruptions,
      cell: (row) => row.interruptions,
    },
    { key: "night", head: "At night", num: true, sort: (row) => row.at_night, cell: (row) => row.at_night },
    { key: "hours", head: "By the hour", cell: (row) => <Hours hours={row.by_hour} most={most} /> },
    { key: "zone", head: "Time zone", low: true, cell: (row) => row.timezone },
  ];
  return (
    <Panel flush title="Interruptions">
      {people.length === 0 ? (
        <Empty title="No page reached anybody's own channel">
          {shared_pages > 0 && `${shared_pages} went to shared channels.`}
        </Empty>
      ) : (
        <Table
          label="Interruptions by person"
          rows={people}
          columns={columns}
          rowKey={(row) => row.user_id}
          sortBy="interruptions"
          descending
        />
      )}
    </Panel>
  );
}

function Hours({ hours, most }: { hours: number[]; most: number }) {
  return (
    <span className="hours" role="img" aria-label={hourWords(hours)} title={hourWords(hours)}>
      {hours.map((count, hour) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the place is the hour
        <span key={hour} style={{ blockSize: `${(100 * count) / most}%` }} />
      ))}
    </span>
  );
}
