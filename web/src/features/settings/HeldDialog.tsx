// Alerts of an integration that were triggered, but not often enough to open.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { HeldAlert, Integration } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Dialog } from "@/ui/Dialog";
import { Empty, Loaded } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";

const COLUMNS: Column<HeldAlert>[] = [
  { key: "title", head: "Alert", main: true, cell: (one) => one.title },
  { key: "count", head: "Count", num: true, cell: (one) => `${one.count} of ${one.needed}` },
  { key: "last", head: "Last", cell: (one) => <Ago at={one.last_at} /> },
];

export function HeldDialog({ of, onClose }: { of: Integration; onClose: () => void }) {
  const held = useQuery(queries.held(of.id));
  return (
    <Dialog title={`Held alerts of ${of.name}`} onClose={onClose}>
      <Loaded query={held}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing is held">What was held has opened, or did not come again in time.</Empty>
          ) : (
            <Table
              label={`Held alerts of ${of.name}`}
              rows={items}
              columns={COLUMNS}
              rowKey={(one) => one.key}
            />
          )
        }
      </Loaded>
    </Dialog>
  );
}
