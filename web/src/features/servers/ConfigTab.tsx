// What a person decides about a server: name, labels, maintenance, removal.

import { type FormEvent, useState } from "react";
import { Link, useLocation } from "wouter";
import { api } from "@/api/client";
import type { Server } from "@/api/types";
import { parseLabels, writeLabels } from "@/lib/labels";
import { shellWord } from "@/lib/shell";
import { formatExact, toLocalInput, zoneName } from "@/lib/time";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Cli } from "@/ui/Copy";
import { Confirm } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { ErrorNotice, Panel } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";

export function ConfigTab({ server }: { server: Server }) {
  return (
    <div className="columns even">
      <Identity key={`${server.name} ${writeLabels(server.labels)}`} server={server} />
      <div className="stack">
        <Maintenance server={server} />
        <Removal server={server} />
      </div>
    </div>
  );
}

function Identity({ server }: { server: Server }) {
  const [name, setName] = useState(server.name);
  const [labels, setLabels] = useState(writeLabels(server.labels));
  const parsed = parseLabels(labels);
  const save = useAction(
    () =>
      api.patch("/servers/{server}", {
        path: { server: server.id },
        body: { name: name.trim(), labels: parsed.labels },
      }),
    { changes: ["server"], done: "Saved" },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!parsed.error && name.trim()) void save.start();
  };
  return (
    <Panel title="Name and labels">
      <form className="form" onSubmit={submit}>
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          mono
          hint="Links with the old name keep working by the server's id."
          error={name.trim() ? save.fieldError("name") : "Enter a name."}
        />
        <TextField
          label="Labels"
          value={labels}
          onChange={setLabels}
          mono
          placeholder="env=prod, role=web"
          hint="Rules, routes, runs and rights select servers by them."
          error={parsed.error ?? save.fieldError("labels")}
        />
        {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="operate" busy={save.busy}>
            Save
          </Button>
        </div>
        <Cli
          command={`watchtower server edit ${shellWord(server.name)}${labels ? ` --label ${shellWord(labels)}` : ""}`}
        />
      </form>
    </Panel>
  );
}

const HOUR_MS = 3_600_000;

function Maintenance({ server }: { server: Server }) {
  const [until, setUntil] = useState(() => toLocalInput(new Date(Date.now() + HOUR_MS)));
  const active = server.maintenance_until != null && Date.parse(server.maintenance_until) > Date.now();
  const set = useAction(
    (at: Date) =>
      api.patch("/servers/{server}", {
        path: { server: server.id },
        body: { maintenance_until: at.toISOString() },
      }),
    { changes: ["server"] },
  );
  return (
    <Panel title="Maintenance">
      <div className="stack">
        <p>
          {active && server.maintenance_until
            ? `Nothing pages for this server until ${formatExact(server.maintenance_until)}.`
            : "While in maintenance the server is still watched, but nothing pages."}
        </p>
        <TextField label={`Until (${zoneName()})`} type="datetime-local" value={until} onChange={setUntil} />
        {set.error !== undefined && <ErrorNotice error={set.error} title="Could not save" />}
        <div className="form-actions">
          <Button
            needs="operate"
            busy={set.busy}
            disabled={!until}
            onClick={() => void set.start(new Date(until))}
          >
            {active ? "Change the end" : "Begin maintenance"}
          </Button>
          {active && (
            <Button
              needs="operate"
              busy={set.busy}
              onClick={() => void set.start(new Date(Date.now() - 1000))}
            >
              End now
            </Button>
          )}
        </div>
      </div>
    </Panel>
  );
}

function Removal({ server }: { server: Server }) {
  const [asking, setAsking] = useState(false);
  const [, navigate] = useLocation();
  const remove = async () => {
    await api.delete("/servers/{server}", { path: { server: server.id } });
    navigate(paths.servers);
  };
  return (
    <Panel title="Remove">
      <div className="stack">
        <p>
          The hub forgets the server and refuses its agent, which stays on the server until it is uninstalled
          there, or <Link href={paths.serverUninstall(server.name)}>over SSH</Link>.
        </p>
        <div>
          <Button kind="danger" icon="trash" needs="operate" onClick={() => setAsking(true)}>
            Remove {server.name}
          </Button>
        </div>
      </div>
      {asking && (
        <Confirm
          title={`Remove ${server.name}`}
          verb="Remove"
          typed={server.name}
          run={remove}
          onClose={() => setAsking(false)}
        >
          <p>Its samples, events and settings are deleted. Its incidents and runs stay in the history.</p>
        </Confirm>
      )}
    </Panel>
  );
}
