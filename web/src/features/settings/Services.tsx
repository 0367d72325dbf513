// Services: what is paged for.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Service } from "@/api/types";
import { writeSeconds } from "@/lib/units";
import { Button } from "@/ui/Button";
import { DeleteButton } from "@/ui/EditDialog";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { PagePlanDialog } from "./PagePlanDialog";
import { ServiceDialog } from "./ServiceDialog";

export function Services() {
  const services = useQuery(queries.services());
  const policies = useQuery(queries.policies());
  const teams = useQuery(queries.teams());
  const [editing, setEditing] = useState<Service | "new">();
  const [planned, setPlanned] = useState<Service>();
  const nameOf = (items: { id: string; name: string }[] | undefined, id: string | null | undefined) =>
    items?.find((item) => item.id === id)?.name ?? "–";
  const columns: Column<Service>[] = [
    {
      key: "name",
      head: "Service",
      main: true,
      cell: (service) => (
        <>
          <strong>{service.name}</strong>{" "}
          {service.open_incidents > 0 && <Badge tone="crit">{service.open_incidents} open</Badge>}
          {service.description && <div className="sub">{service.description}</div>}
        </>
      ),
    },
    { key: "policy", head: "Escalation", cell: (service) => nameOf(policies.data?.items, service.policy_id) },
    { key: "team", head: "Team", low: true, cell: (service) => nameOf(teams.data?.items, service.team_id) },
    {
      key: "ack",
      head: "Ack lasts",
      low: true,
      cell: (service) =>
        service.ack_timeout_seconds == null ? "for good" : writeSeconds(service.ack_timeout_seconds),
    },
    {
      key: "actions",
      head: "",
      cell: (service) => (
        <div className="row">
          <Button small aria-label={`Who is paged for ${service.name}`} onClick={() => setPlanned(service)}>
            Who is paged
          </Button>
          <Button
            small
            needs="operate"
            aria-label={`Edit ${service.name}`}
            onClick={() => setEditing(service)}
          >
            Edit
          </Button>
          <DeleteButton
            what={service.name}
            consequence="Its routes must point elsewhere first. Its incidents stay in the history."
            needs="operate"
            changes={["service"]}
            run={() => api.delete("/services/{service}", { path: { service: service.id } })}
          />
        </div>
      ),
    },
  ];
  return (
    <Panel
      flush
      title="Services"
      actions={
        <Button small icon="plus" needs="operate" onClick={() => setEditing("new")}>
          New service
        </Button>
      }
    >
      <Loaded query={services}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No services">A service is what people are paged for.</Empty>
          ) : (
            <Table label="Services" rows={items} columns={columns} rowKey={(service) => service.id} />
          )
        }
      </Loaded>
      {planned && <PagePlanDialog service={planned} onClose={() => setPlanned(undefined)} />}
      {editing && (
        <ServiceDialog
          service={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Panel>
  );
}
