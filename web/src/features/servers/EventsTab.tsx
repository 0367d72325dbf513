// What happened on a server, newest first.
import { useInfiniteQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { Event, Server } from "@/api/types";
import { useUrlState } from "@/lib/url-state";
import { At } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { LabelChips } from "@/ui/Labels";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Status, severityTone } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";

const COLUMNS: Column<Event>[] = [
  { key: "at", head: "When", cell: (event) => <At at={event.at} /> },
  {
    key: "message",
    head: "What",
    main: true,
    cell: (event) => (
      <>
        {event.message}
        <div className="sub">
          {event.kind} · {event.source} <LabelChips labels={event.labels} max={3} />
        </div>
      </>
    ),
  },
  {
    key: "severity",
    head: "Severity",
    cell: (event) => <Status tone={severityTone(event.severity)}>{event.severity}</Status>,
  },
];

export function EventsTab({ server }: { server: Server }) {
  const [kind, setKind] = useUrlState("kind");
  const query = useInfiniteQuery(queries.events({ server: server.id, kind, limit: "100" }));
  const events = { ...query, data: query.data?.pages.flatMap((page) => page.items) };
  return (
    <Panel
      flush
      title="Events"
      actions={
        <input
          className="input inline mono"
          type="search"
          aria-label="Kind of event"
          placeholder="Kind, such as unit.*"
          value={kind}
          onChange={(event) => setKind(event.target.value)}
        />
      }
    >
      <Loaded query={events} lines={8}>
        {(items) =>
          items.length === 0 ? (
            kind ? (
              <Empty
                title="No events of this kind"
                action={<Button onClick={() => setKind("")}>Show all kinds</Button>}
              />
            ) : (
              <Empty title="Nothing has happened here yet">
                Reboots, killed processes, failed units and lost contact appear here as they happen.
              </Empty>
            )
          ) : (
            <>
              <Table label="Events" rows={items} columns={COLUMNS} rowKey={(event) => event.id} />
              {query.hasNextPage && (
                <div className="pad">
                  <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                    Older events
                  </Button>
                </div>
              )}
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}
