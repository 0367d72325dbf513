// Silences: what nobody is paged for now, until when, and why.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Silence } from "@/api/types";
import { bare } from "@/lib/matchers";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { IncidentTabs } from "@/ui/IncidentTabs";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { SilenceDialog } from "@/ui/SilenceDialog";
import { Status } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { toastError } from "@/ui/toast";
import { useAction } from "@/ui/useAction";
import { quietTone, quietWord } from "./state";

function columns(edit: (one: Silence) => void): Column<Silence>[] {
  return [
    {
      key: "matchers",
      head: "Alerts",
      main: true,
      cell: (one) => (
        <>
          <code className="wrap">{bare(one.matchers)}</code>
          <div className="sub">
            {one.comment}
            {one.servers && <span> · only servers with {one.servers}</span>}
          </div>
        </>
      ),
      sort: (one) => one.matchers,
    },
    {
      key: "state",
      head: "State",
      cell: (one) => (
        <>
          <Status tone={quietTone[one.state]}>{quietWord[one.state]}</Status>
          <div className="sub">
            {one.state === "pending" ? "begins" : one.state === "active" ? "ends" : "ended"}{" "}
            <Ago at={one.state === "pending" ? one.starts_at : one.ends_at} />
          </div>
        </>
      ),
      sort: (one) => ["active", "pending", "expired"].indexOf(one.state),
    },
    { key: "open", head: "Open alerts", num: true, low: true, cell: (one) => one.open_alerts },
    { key: "by", head: "By", low: true, cell: (one) => one.created_by, sort: (one) => one.created_by },
    {
      key: "actions",
      head: "",
      cell: (one) => one.state !== "expired" && <Actions silence={one} edit={() => edit(one)} />,
    },
  ];
}

function Actions({ silence, edit }: { silence: Silence; edit: () => void }) {
  const expire = useAction(
    () =>
      api
        .post("/silences/{silence}/expire", { path: { silence: silence.id } })
        .catch((error) => toastError("Not ended", error)),
    { changes: ["silence"] },
  );
  return (
    <div className="row">
      <Button small needs="operate" aria-label={`Change the silence of ${silence.matchers}`} onClick={edit}>
        Change
      </Button>
      <Button
        small
        needs="operate"
        busy={expire.busy}
        aria-label={`End the silence of ${silence.matchers}`}
        title="What is still wrong is paged for at once"
        onClick={() => void expire.start()}
      >
        End
      </Button>
    </div>
  );
}

export function SilencesPage() {
  const silences = useQuery(queries.silences());
  const [editing, setEditing] = useState<Silence | "new">();
  return (
    <Page
      title="Silences"
      parents={[{ label: "Incidents", href: paths.incidents }]}
      cli="watchtower silence list"
      actions={
        <Button kind="primary" needs="operate" onClick={() => setEditing("new")}>
          New silence
        </Button>
      }
    >
      <IncidentTabs />
      <Panel flush title="All silences">
        <Loaded query={silences} lines={6}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Nothing is silenced">
                A silence keeps alerts that are expected from paging anybody until a time. What is still wrong
                when it ends is paged for then.
              </Empty>
            ) : (
              <Table
                label="Silences"
                rows={items}
                columns={columns(setEditing)}
                rowKey={(one) => one.id}
                sortBy="state"
              />
            )
          }
        </Loaded>
      </Panel>
      {editing && (
        <SilenceDialog old={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} />
      )}
    </Page>
  );
}
