// By one line: a record, a one-time installer, and the wait for the first report.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Schemas } from "@/api/client";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import { useNow } from "@/lib/hooks";
import { parseLabels } from "@/lib/labels";
import { formatAge } from "@/lib/time";
import { paths } from "@/paths";
import { Countdown } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { TextField } from "@/ui/Field";
import { ErrorNotice, Panel } from "@/ui/Panel";
import { Status } from "@/ui/Status";
import { toast } from "@/ui/toast";
import { useAction } from "@/ui/useAction";

type Enrolment = Schemas["Enrolment"];

export function Installer() {
  const [enrolment, setEnrolment] = useState<Enrolment & { name: string }>();
  return enrolment ? <Waiting enrolment={enrolment} /> : <Form onDone={setEnrolment} />;
}

function Form({ onDone }: { onDone: (enrolment: Enrolment & { name: string }) => void }) {
  const [name, setName] = useState("");
  const [labels, setLabels] = useState("");
  const parsed = parseLabels(labels);
  const add = useAction(
    async () => {
      const body = { name: name.trim(), labels: parsed.labels };
      const server = await api.post("/servers", { body });
      const enrolment = await api.post("/servers/{server}/enrolment", { path: { server: server.id } });
      return { ...enrolment, name: server.name };
    },
    { changes: ["server"] },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (parsed.error || !name.trim()) return;
    const enrolment = await add.start();
    if (enrolment) onDone(enrolment);
  };
  return (
    <Panel>
      <form className="form" onSubmit={submit}>
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          placeholder="web-1"
          hint="As your team calls it. It can be changed later."
          error={add.fieldError("name")}
          autoFocus
          mono
        />
        <TextField
          label="Labels"
          value={labels}
          onChange={setLabels}
          placeholder="env=prod, role=web"
          hint="Optional. Rules, routes and runs select servers by them."
          error={parsed.error ?? add.fieldError("labels")}
          mono
        />
        {add.error !== undefined && <ErrorNotice error={add.error} title="Could not add the server" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="operate" busy={add.busy} disabled={!name.trim()}>
            Make the installer
          </Button>
        </div>
      </form>
    </Panel>
  );
}

const ASK_EVERY_MS = 1500;
const HINTS_AFTER_MS = 60_000;

function Waiting({ enrolment }: { enrolment: Enrolment & { name: string } }) {
  const [startedAt] = useState(Date.now);
  const now = useNow();
  const [, navigate] = useLocation();
  const server = useQuery({ ...queries.server(enrolment.server_id), refetchInterval: ASK_EVERY_MS });
  const reported = server.data?.status === "up" || server.data?.last_report_at != null;
  const waited = now - startedAt;
  useEffect(() => {
    if (!reported) return;
    toast(`${enrolment.name} connected after ${formatAge((Date.now() - startedAt) / 1000)}`);
    navigate(paths.server(enrolment.server_id), { replace: true });
  }, [reported, enrolment, navigate, startedAt]);
  return (
    <>
      <Panel title={`Run this on ${enrolment.name}, as a user who may use sudo`}>
        <div className="stack">
          <pre className="code-block" data-testid="installer">
            {enrolment.command}
          </pre>
          <div className="row">
            <CopyButton text={enrolment.command} label="Copy the command" small={false} />
            <span className="meta">
              Works once, for <Countdown at={enrolment.expires_at} />. It pins this hub's key and checks the
              agent's checksum.
            </span>
          </div>
        </div>
      </Panel>
      <Panel>
        <div className="row" role="status">
          <Status tone="unknown">Waiting for the first report… {formatAge(waited / 1000)}</Status>
          <Link href={paths.server(enrolment.server_id)}>Open the server's page</Link>
        </div>
      </Panel>
      {waited > HINTS_AFTER_MS && <Hints command={enrolment.command} />}
    </>
  );
}

function Hints({ command }: { command: string }) {
  const host = /https:\/\/([^/\s]+)/.exec(command)?.[1] ?? "the hub";
  return (
    <Panel title="Nothing yet?">
      <ul className="bullets">
        <li>Did the command end without an error? It says which step failed and what to do.</li>
        <li>
          Can the server reach the hub? <code>curl -k https://{host}/</code> must connect. Agents dial out to{" "}
          {host}; no port on the server need be open.
        </li>
        <li>
          A proxy that ends TLS in front of the agents' port is refused. Let the connection through as TCP.
        </li>
        <li>
          The agent's own words: <code>journalctl -u watchtower-agent -n 50</code>
        </li>
        <li>Is the token used or too old? Make a new installer from the server's page.</li>
      </ul>
    </Panel>
  );
}
