// Other tools that tell of their alerts here. A key is shown once, when it is made.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Integration, IntegrationKind } from "@/api/types";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { Confirm, Dialog } from "@/ui/Dialog";
import { DeleteButton, EditDialog } from "@/ui/EditDialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { HeldDialog } from "./HeldDialog";
import { MappingFields } from "./MappingFields";
import { mappingDraft, mappingOf } from "./mapping";

const KINDS: { value: IntegrationKind; label: string; setUp: string }[] = [
  {
    value: "alertmanager",
    label: "Prometheus, as its Alertmanager",
    setUp:
      "In prometheus.yml, under alerting: this address as target with path_prefix /alertmanager, and the key as authorization credentials.",
  },
  {
    value: "webhook",
    label: "Alertmanager, by webhook",
    setUp: "In alertmanager.yml: the address as url of a webhook_config. The key is its last part.",
  },
  {
    value: "grafana",
    label: "Grafana, by webhook",
    setUp: "As the URL of a contact point of type webhook. The key is its last part.",
  },
  {
    value: "pagerduty",
    label: "What speaks PagerDuty's Events API v2",
    setUp: "This hub as the address instead of events.pagerduty.com, and the key as routing key.",
  },
  {
    value: "heartbeat",
    label: "Jobs that ping, as to healthchecks.io",
    setUp: "The address with the job's name in the place of SLUG; ?create=1 makes a heartbeat for a new one.",
  },
  {
    value: "opsgenie",
    label: "What speaks Opsgenie's Alert API",
    setUp: "This hub as the address instead of api.opsgenie.com, and the key as API key.",
  },
  {
    value: "generic",
    label: "Anything that posts JSON",
    setUp: "The address, as it is. The key is its last part.",
  },
];

const kindOf = (kind: IntegrationKind) => KINDS.find(({ value }) => value === kind);

type Take = (integration: Integration) => void;

function columns(shown: Take, edit: Take, held: Take): Column<Integration>[] {
  return [
    {
      key: "name",
      head: "Integration",
      main: true,
      cell: (one) => (
        <>
          <strong>{one.name}</strong> {!one.enabled && <Badge tone="muted">off</Badge>}
          <div className="sub">{kindOf(one.kind)?.label ?? one.kind}</div>
        </>
      ),
    },
    { key: "url", head: "Sends to", low: true, cell: (one) => <code>{one.url}</code> },
    {
      key: "open",
      head: "Open alerts",
      num: true,
      cell: (one) => (
        <>
          {one.open_alerts}
          {one.held_alerts > 0 && (
            <Button small aria-label={`${one.held_alerts} held of ${one.name}`} onClick={() => held(one)}>
              {one.held_alerts} held
            </Button>
          )}
        </>
      ),
    },
    {
      key: "actions",
      head: "",
      cell: (one) => (
        <div className="row">
          <Button small needs="operate" aria-label={`Edit ${one.name}`} onClick={() => edit(one)}>
            Edit
          </Button>
          <NewKey integration={one} shown={shown} />
          <DeleteButton
            what={one.name}
            consequence="Its key is nobody's from then on: what it sends is refused."
            needs="operate"
            changes={["integration"]}
            run={() => api.delete("/integrations/{integration}", { path: { integration: one.id } })}
          />
        </div>
      ),
    },
  ];
}

function NewKey({ integration, shown }: { integration: Integration; shown: Take }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button
        small
        needs="operate"
        aria-label={`New key for ${integration.name}`}
        onClick={() => setAsking(true)}
      >
        New key
      </Button>
      {asking && (
        <Confirm
          title={`New key for ${integration.name}`}
          verb="Make a new key"
          run={async () =>
            shown(
              await api.post("/integrations/{integration}/new-key", {
                path: { integration: integration.id },
              }),
            )
          }
          onClose={() => setAsking(false)}
        >
          <p>What still sends with the present key is not taken any more; an incident says so.</p>
        </Confirm>
      )}
    </>
  );
}

export function Integrations() {
  const integrations = useQuery(queries.integrations());
  const [editing, setEditing] = useState<Integration | "new">();
  const [made, setMade] = useState<Integration>();
  const [held, setHeld] = useState<Integration>();
  return (
    <Panel
      flush
      title="Alerts of other tools"
      actions={
        <Button small icon="plus" needs="operate" onClick={() => setEditing("new")}>
          New integration
        </Button>
      }
    >
      <Loaded query={integrations}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No integrations">
              Prometheus, Alertmanager, Grafana and whatever speaks PagerDuty or Opsgenie can open incidents
              here.
            </Empty>
          ) : (
            <Table
              label="Integrations"
              rows={items}
              columns={columns(setMade, setEditing, setHeld)}
              rowKey={(one) => one.id}
            />
          )
        }
      </Loaded>
      {editing && (
        <IntegrationDialog
          old={editing === "new" ? undefined : editing}
          made={setMade}
          onClose={() => setEditing(undefined)}
        />
      )}
      {held && <HeldDialog of={held} onClose={() => setHeld(undefined)} />}
      {made && <Key made={made} onClose={() => setMade(undefined)} />}
    </Panel>
  );
}

interface FormProps {
  old?: Integration;
  made: (integration: Integration) => void;
  onClose: () => void;
}

function IntegrationDialog({ old, made, onClose }: FormProps) {
  const services = useQuery(queries.services());
  const [name, setName] = useState(old?.name ?? "");
  const [kind, setKind] = useState<IntegrationKind>(old?.kind ?? "alertmanager");
  const [service, setService] = useState(old?.service_id ?? "");
  const [enabled, setEnabled] = useState(old?.enabled ?? true);
  const [draft, setDraft] = useState(() => mappingDraft(old?.mapping));
  const [triggers, setTriggers] = useState(String(old?.open_after?.triggers ?? 1));
  const [minutes, setMinutes] = useState(String((old?.open_after?.within_seconds ?? 600) / 60));
  const counts = kind !== "heartbeat" && Number(triggers) > 1;
  const mapping = kind === "generic" ? mappingOf(draft) : undefined;
  const missing = !name.trim() ? "Enter a name." : typeof mapping === "string" ? mapping : undefined;
  const save = async () => {
    const mapped = typeof mapping === "object" ? { mapping } : {};
    const after = counts ? { triggers: Number(triggers), within_seconds: Number(minutes) * 60 } : null;
    const body = {
      name: name.trim(),
      kind,
      service_id: service || null,
      enabled,
      open_after: after,
      ...mapped,
    };
    if (old) await api.put("/integrations/{integration}", { path: { integration: old.id }, body });
    else made(await api.post("/integrations", { body }));
  };
  const choices = (services.data?.items ?? []).map(({ id, name: label }) => ({ value: id, label }));
  return (
    <EditDialog
      title={old ? `Edit ${old.name}` : "New integration"}
      missing={missing}
      needs="operate"
      changes={["integration"]}
      save={save}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onChange={setName} placeholder="prometheus-eu" autoFocus />
      {!old && <SelectField label="What sends" value={kind} choices={KINDS} onChange={setKind} />}
      {kind === "generic" && (
        <MappingFields draft={draft} onChange={(part) => setDraft((now) => ({ ...now, ...part }))} />
      )}
      <SelectField
        label="Pages"
        value={service}
        choices={[{ value: "", label: "what the routes say" }, ...choices]}
        onChange={setService}
      />
      {kind !== "heartbeat" && (
        <TextField
          label="An alert opens at its trigger number"
          hint="Below it, an alert is held: shown with its count, and nobody is paged."
          type="number"
          min={1}
          max={100}
          value={triggers}
          onChange={setTriggers}
        />
      )}
      {counts && (
        <TextField label="Within minutes" type="number" min={1} value={minutes} onChange={setMinutes} />
      )}
      {old && <CheckField label="What it sends is taken" checked={enabled} onChange={setEnabled} />}
    </EditDialog>
  );
}

function Key({ made, onClose }: { made: Integration; onClose: () => void }) {
  const key = made.key ?? "";
  return (
    <Dialog title={`The key of ${made.name}, shown only now`} onClose={onClose}>
      <div className="stack">
        <p className="dim">{kindOf(made.kind)?.setUp}</p>
        <div>
          <div className="label">Address</div>
          <pre className="code-block">{made.url}</pre>
        </div>
        <div>
          <div className="label">Key</div>
          <pre className="code-block">{key}</pre>
        </div>
        <div className="form-actions">
          <CopyButton text={made.url.includes(key) ? made.url : key} small={false} />
          <Button kind="primary" onClick={onClose}>
            I have stored it
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
