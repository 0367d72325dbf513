// Services: what is paged for.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Service } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { DeleteButton, EditDialog } from "./EditDialog";

export function Services() {
  const services = useQuery(queries.services());
  const policies = useQuery(queries.policies());
  const teams = useQuery(queries.teams());
  const [editing, setEditing] = useState<Service | "new">();
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
      {editing && (
        <ServiceDialog
          service={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Panel>
  );
}

function ServiceDialog({ service, onClose }: { service?: Service; onClose: () => void }) {
  const policies = useQuery(queries.policies());
  const teams = useQuery(queries.teams());
  const time = (seconds: number | null | undefined) => (seconds == null ? "" : writeSeconds(seconds));
  const [draft, setDraft] = useState({
    name: service?.name ?? "",
    description: service?.description ?? "",
    policy: service?.policy_id ?? "",
    team: service?.team_id ?? "",
    ack: time(service?.ack_timeout_seconds),
    autoResolve: time(service?.auto_resolve_seconds),
    hold: time(service?.hold_pages_for_seconds),
    runbook: service?.runbook_url ?? "",
  });
  const set = (change: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...change }));
  const policy = draft.policy || policies.data?.items[0]?.id || "";
  const times = [draft.ack, draft.autoResolve, draft.hold].filter(Boolean);
  const missing = !draft.name.trim()
    ? "Enter a name."
    : !policy
      ? "Make an escalation policy first."
      : times.some((text) => parseSeconds(text) === undefined)
        ? "Write times as 30m or 4h."
        : undefined;
  const body = {
    name: draft.name.trim(),
    description: draft.description.trim(),
    policy_id: policy,
    team_id: draft.team || null,
    ack_timeout_seconds: draft.ack ? (parseSeconds(draft.ack) ?? null) : null,
    auto_resolve_seconds: draft.autoResolve ? (parseSeconds(draft.autoResolve) ?? null) : null,
    hold_pages_for_seconds: draft.hold ? (parseSeconds(draft.hold) ?? null) : null,
    runbook_url: draft.runbook.trim() || null,
  };
  const choices = (items: { id: string; name: string }[] | undefined) =>
    (items ?? []).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <EditDialog
      title={service ? `Edit ${service.name}` : "New service"}
      missing={missing}
      needs="operate"
      changes={["service"]}
      save={() =>
        service
          ? api.put("/services/{service}", { path: { service: service.id }, body })
          : api.post("/services", { body })
      }
      onClose={onClose}
    >
      <TextField label="Name" value={draft.name} onChange={(name) => set({ name })} />
      <TextField
        label="What it is"
        value={draft.description}
        onChange={(description) => set({ description })}
      />
      <div className="form-columns">
        <SelectField
          label="Escalation policy"
          value={policy}
          choices={choices(policies.data?.items)}
          onChange={(id) => set({ policy: id })}
        />
        <SelectField
          label="Team"
          value={draft.team}
          choices={[{ value: "", label: "none" }, ...choices(teams.data?.items)]}
          onChange={(team) => set({ team })}
        />
      </div>
      <div className="form-columns">
        <TextField
          label="An ack lasts"
          value={draft.ack}
          onChange={(ack) => set({ ack })}
          placeholder="for good"
          hint="Then it pages again."
        />
        <TextField
          label="Resolves itself after"
          value={draft.autoResolve}
          onChange={(autoResolve) => set({ autoResolve })}
          placeholder="never"
        />
        <TextField
          label="Hold the first page"
          value={draft.hold}
          onChange={(hold) => set({ hold })}
          placeholder="no"
          hint="While a repair runs."
        />
      </div>
      <TextField label="Runbook" type="url" value={draft.runbook} onChange={(runbook) => set({ runbook })} />
    </EditDialog>
  );
}
