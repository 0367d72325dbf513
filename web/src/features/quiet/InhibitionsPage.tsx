// Inhibitions: nobody is paged for what follows from something else that is wrong.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Inhibition } from "@/api/types";
import { bare } from "@/lib/matchers";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { DeleteButton } from "@/ui/EditDialog";
import { IncidentTabs } from "@/ui/IncidentTabs";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { InhibitionDialog } from "./InhibitionDialog";

function columns(edit: (one: Inhibition) => void): Column<Inhibition>[] {
  return [
    {
      key: "name",
      head: "Inhibition",
      main: true,
      cell: (one) => (
        <>
          <strong>{one.name}</strong> {!one.enabled && <Badge tone="muted">off</Badge>}
          <div className="sub">
            {one.comment}
            {one.servers && <span> · only servers with {one.servers}</span>}
          </div>
        </>
      ),
      sort: (one) => one.name,
    },
    {
      key: "source",
      head: "While there is",
      cell: (one) => <code className="wrap">{bare(one.source)}</code>,
    },
    {
      key: "target",
      head: "Nobody is paged for",
      cell: (one) => (
        <>
          <code className="wrap">{bare(one.target)}</code>
          {one.equal.length > 0 && <div className="sub">with the same {one.equal.join(", ")}</div>}
        </>
      ),
    },
    { key: "sources", head: "Causes now", num: true, low: true, cell: (one) => one.open_sources },
    { key: "inhibited", head: "Inhibited now", num: true, low: true, cell: (one) => one.inhibited_alerts },
    { key: "actions", head: "", cell: (one) => <Actions inhibition={one} edit={() => edit(one)} /> },
  ];
}

function Actions({ inhibition, edit }: { inhibition: Inhibition; edit: () => void }) {
  return (
    <div className="row">
      <Button small needs="operate" aria-label={`Change ${inhibition.name}`} onClick={edit}>
        Change
      </Button>
      <DeleteButton
        what={inhibition.name}
        consequence="What it keeps quiet now and is still wrong is paged for at once."
        needs="operate"
        changes={["inhibition"]}
        run={() => api.delete("/inhibitions/{inhibition}", { path: { inhibition: inhibition.id } })}
      />
    </div>
  );
}

export function InhibitionsPage() {
  const inhibitions = useQuery(queries.inhibitions());
  const [editing, setEditing] = useState<Inhibition | "new">();
  return (
    <Page
      title="Inhibitions"
      parents={[{ label: "Incidents", href: paths.incidents }]}
      cli="watchtower inhibition list"
      actions={
        <Button kind="primary" needs="operate" onClick={() => setEditing("new")}>
          New inhibition
        </Button>
      }
    >
      <IncidentTabs />
      <Panel flush title="All inhibitions">
        <Loaded query={inhibitions} lines={6}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Nothing is inhibited">
                An inhibition keeps what follows from a cause from paging while the cause is open: where a
                site is cut off, nobody needs to hear of each of its servers.
              </Empty>
            ) : (
              <Table
                label="Inhibitions"
                rows={items}
                columns={columns(setEditing)}
                rowKey={(one) => one.id}
                sortBy="name"
              />
            )
          }
        </Loaded>
      </Panel>
      {editing && (
        <InhibitionDialog
          old={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Page>
  );
}
