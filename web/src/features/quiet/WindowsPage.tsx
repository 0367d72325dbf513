// Maintenance windows: when nobody is paged because it was planned so.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { MaintenanceWindow } from "@/api/types";
import { bare } from "@/lib/matchers";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { DeleteButton } from "@/ui/EditDialog";
import { IncidentTabs } from "@/ui/IncidentTabs";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge, Status } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { quietTone, quietWord } from "./state";
import { WindowDialog } from "./WindowDialog";

function columns(edit: (one: MaintenanceWindow) => void): Column<MaintenanceWindow>[] {
  return [
    {
      key: "name",
      head: "Window",
      main: true,
      cell: (one) => (
        <>
          <strong>{one.name}</strong> {!one.enabled && <Badge tone="muted">off</Badge>}
          <div className="sub">{one.cron ? one.words : "once"}</div>
          {one.comment && <div className="sub">{one.comment}</div>}
        </>
      ),
      sort: (one) => one.name,
    },
    { key: "matchers", head: "Alerts", low: true, cell: (one) => <code>{bare(one.matchers)}</code> },
    {
      key: "state",
      head: "State",
      cell: (one) => (
        <>
          <Status tone={quietTone[one.state]}>{quietWord[one.state]}</Status>
          <div className="sub">
            <Next window={one} />
          </div>
        </>
      ),
    },
    { key: "open", head: "Open alerts", num: true, low: true, cell: (one) => one.open_alerts },
    { key: "actions", head: "", cell: (one) => <Actions window={one} edit={() => edit(one)} /> },
  ];
}

function Next({ window }: { window: MaintenanceWindow }) {
  const next = window.next[0];
  if (!next) return null;
  const [word, at] = window.state === "active" ? ["ends", next.ends_at] : ["begins", next.starts_at];
  return (
    <>
      {word} <Ago at={at} />
    </>
  );
}

function Actions({ window, edit }: { window: MaintenanceWindow; edit: () => void }) {
  return (
    <div className="row">
      <Button small needs="operate" aria-label={`Change ${window.name}`} onClick={edit}>
        Change
      </Button>
      <DeleteButton
        what={window.name}
        consequence="What it keeps quiet now and is still wrong is paged for at once."
        needs="operate"
        changes={["maintenance"]}
        run={() => api.delete("/maintenance-windows/{window}", { path: { window: window.id } })}
      />
    </div>
  );
}

export function WindowsPage() {
  const windows = useQuery(queries.maintenanceWindows());
  const [editing, setEditing] = useState<MaintenanceWindow | "new">();
  return (
    <Page
      title="Maintenance windows"
      parents={[{ label: "Incidents", href: paths.incidents }]}
      cli="watchtower maintenance list"
      actions={
        <Button kind="primary" needs="operate" onClick={() => setEditing("new")}>
          New window
        </Button>
      }
    >
      <IncidentTabs />
      <Panel flush title="All maintenance windows">
        <Loaded query={windows} lines={6}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No maintenance is planned">
                A window keeps alerts from paging anybody at a time that was planned: once, or each night, in
                a time zone.
              </Empty>
            ) : (
              <Table
                label="Maintenance windows"
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
        <WindowDialog old={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} />
      )}
    </Page>
  );
}
