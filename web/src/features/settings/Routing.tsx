// Routes: the first one that matches an alert's labels names its service; the last one takes all.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Route } from "@/api/types";
import { Button } from "@/ui/Button";
import { DeleteButton, EditDialog } from "@/ui/EditDialog";
import { SelectField, TextField } from "@/ui/Field";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";
import { useAction } from "@/ui/useAction";

export function Routing() {
  const routes = useQuery(queries.routes());
  const services = useQuery(queries.services());
  const [editing, setEditing] = useState<Route | "new">();
  const columns = (items: Route[]): Column<Route>[] => [
    {
      key: "matchers",
      head: "When the alert's labels match",
      main: true,
      cell: (route) => (route.matchers ? <code>{route.matchers}</code> : <em>all others</em>),
    },
    {
      key: "service",
      head: "It belongs to",
      cell: (route) => services.data?.items.find((service) => service.id === route.service_id)?.name ?? "–",
    },
    {
      key: "actions",
      head: "",
      cell: (route) => <RouteActions route={route} items={items} onEdit={() => setEditing(route)} />,
    },
  ];
  return (
    <Panel
      flush
      title="Routes"
      actions={
        <Button small icon="plus" needs="operate" onClick={() => setEditing("new")}>
          New route
        </Button>
      }
    >
      <Loaded query={routes}>
        {({ items }) => {
          const sorted = [...items].sort((a, b) => a.position - b.position);
          return sorted.length === 0 ? (
            <Empty title="No routes" />
          ) : (
            <Table label="Routes" rows={sorted} columns={columns(sorted)} rowKey={(route) => route.id} />
          );
        }}
      </Loaded>
      {editing && (
        <RouteDialog route={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} />
      )}
    </Panel>
  );
}

interface ActionsProps {
  route: Route;
  items: Route[];
  onEdit: () => void;
}

function RouteActions({ route, items, onEdit }: ActionsProps) {
  const move = useAction(
    (position: number) =>
      api.put("/routes/{route}", {
        path: { route: route.id },
        body: { matchers: route.matchers, service_id: route.service_id, position },
      }),
    { changes: ["route"] },
  );
  const index = items.indexOf(route);
  const isLast = index === items.length - 1;
  const name = route.matchers || "the last route";
  return (
    <div className="row">
      <Button small needs="operate" aria-label={`Edit ${name}`} onClick={onEdit}>
        Edit
      </Button>
      {!isLast && (
        <>
          <Button
            small
            needs="operate"
            aria-label={`Move ${name} up`}
            disabled={index === 0}
            onClick={() => void move.start(index - 1)}
          >
            ↑
          </Button>
          <DeleteButton
            what={name}
            consequence="Its alerts go to the next route that matches."
            needs="operate"
            changes={["route"]}
            run={() => api.delete("/routes/{route}", { path: { route: route.id } })}
          />
        </>
      )}
    </div>
  );
}

function RouteDialog({ route, onClose }: { route?: Route; onClose: () => void }) {
  const services = useQuery(queries.services());
  const [matchers, setMatchers] = useState(route?.matchers ?? "");
  const [chosen, setChosen] = useState(route?.service_id ?? "");
  const service = chosen || services.data?.items[0]?.id || "";
  const isLast = route !== undefined && route.matchers === "";
  const body = { matchers: matchers.trim(), service_id: service, position: route?.position ?? null };
  return (
    <EditDialog
      title={route ? "Edit the route" : "New route"}
      missing={
        !service ? "Make a service first." : !isLast && !matchers.trim() ? "Enter matchers." : undefined
      }
      needs="operate"
      changes={["route"]}
      save={() =>
        route
          ? api.put("/routes/{route}", { path: { route: route.id }, body })
          : api.post("/routes", { body })
      }
      onClose={onClose}
    >
      {isLast ? (
        <p>The last route takes all alerts that no other route matches.</p>
      ) : (
        <TextField
          label="When the alert's labels match"
          value={matchers}
          onChange={setMatchers}
          placeholder={'env="prod",team=~"db|storage"'}
          mono
        />
      )}
      <SelectField
        label="It belongs to the service"
        value={service}
        choices={(services.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
        onChange={setChosen}
      />
    </EditDialog>
  );
}
