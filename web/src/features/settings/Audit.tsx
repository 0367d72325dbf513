// Who did what: append-only, each entry chained to the one before by its hash.
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { queries } from "@/api/queries";
import { useSettled } from "@/lib/hooks";
import { useUrlState } from "@/lib/url-state";
import { At } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";

type Entry = Schemas["AuditEntry"];

const COLUMNS: Column<Entry>[] = [
  { key: "at", head: "When", cell: (entry) => <At at={entry.at} /> },
  { key: "actor", head: "Who", cell: (entry) => entry.actor },
  { key: "action", head: "What", cell: (entry) => <code>{entry.action}</code> },
  {
    key: "object",
    head: "On",
    main: true,
    cell: (entry) => (
      <>
        {entry.object}
        {entry.detail && <div className="sub">{entry.detail}</div>}
      </>
    ),
  },
  {
    key: "hash",
    head: "Hash",
    low: true,
    cell: (entry) => (
      <span className="mono" title={entry.hash}>
        {entry.hash.slice(0, 10)}
      </span>
    ),
  },
];

export function Audit() {
  const [actor, setActor] = useUrlState("actor");
  const [action, setAction] = useUrlState("action");
  const query = useInfiniteQuery(
    queries.audit({ actor: useSettled(actor, 300), action: useSettled(action, 300) }),
  );
  const entries = { ...query, data: query.data?.pages.flatMap((page) => page.items) };
  return (
    <Panel
      flush
      title="Audit log"
      actions={
        <>
          <input
            className="input inline"
            type="search"
            aria-label="Only by this person"
            placeholder="Who"
            value={actor}
            onChange={(event) => setActor(event.target.value)}
          />
          <input
            className="input inline mono"
            type="search"
            aria-label="Only this action"
            placeholder="rule.create"
            value={action}
            onChange={(event) => setAction(event.target.value)}
          />
        </>
      }
    >
      <Loaded query={entries} lines={8}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={actor || action ? "No entry matches" : "Nothing yet"} />
          ) : (
            <>
              <Table
                label="Audit log"
                rows={items}
                columns={COLUMNS}
                rowKey={(entry) => String(entry.sequence)}
              />
              {query.hasNextPage && (
                <div className="pad">
                  <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                    Older entries
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
