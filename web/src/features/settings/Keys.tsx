// The hub's own keys: which are in use, which agents have them, and their rotation step by step.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { HubKey, HubKeys } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { CheckField } from "@/ui/Field";
import { Loaded, Panel } from "@/ui/Panel";
import { Status, type Tone } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { useAction } from "@/ui/useAction";
import { consequence, type Kind, type Stage, type Step, stageOf } from "./rotation";

const KINDS: { kind: Kind; title: string; what: string }[] = [
  {
    kind: "signing",
    title: "Signing",
    what: "Signs every command: servers refuse what no trusted key signed.",
  },
  { kind: "ca", title: "Root", what: "Vouches for the hub's certificate towards its agents." },
  {
    kind: "master",
    title: "Master",
    what: "Seals secrets in the database: credentials, channels, parameters.",
  },
];

const TONES: Record<HubKey["state"], Tone> = {
  active: "ok",
  published: "unknown",
  retiring: "warn",
  retired: "muted",
};

const VERBS: Record<Step, string> = {
  rotate: "Rotate",
  switch: "Switch",
  retire: "Retire the old key",
  abort: "Withdraw",
};

function holders(key: HubKey): string {
  if (key.secrets != null) return `${key.secrets} secrets`;
  if (key.agents_holding == null) return "–";
  const total = key.agents_holding + (key.agents_lacking ?? 0);
  return `${key.agents_holding} of ${total}`;
}

function since(key: HubKey) {
  if (key.switched_at) return <Ago at={key.switched_at} />;
  return <span className="meta">{key.state === "active" ? "the hub's first start" : "–"}</span>;
}

const COLUMNS: Column<HubKey>[] = [
  {
    key: "id",
    head: "Key",
    main: true,
    cell: (key) => (
      <>
        <code>{key.id}</code>
        {key.lacking.length > 0 && <div className="sub">lacking: {key.lacking.join(", ")}</div>}
      </>
    ),
  },
  { key: "state", head: "State", cell: (key) => <Status tone={TONES[key.state]}>{key.state}</Status> },
  { key: "held", head: "Agents, secrets", cell: holders },
  { key: "created", head: "Made", low: true, cell: (key) => <Ago at={key.created_at} /> },
  { key: "switched", head: "In use since", low: true, cell: since },
];

export function Keys() {
  const keys = useQuery(queries.keys());
  return (
    <Loaded query={keys} lines={8}>
      {(data) => (
        <div className="stack">
          {data.agents_behind > 0 && (
            <div className="notice tone-warn" role="status">
              <strong>
                {data.agents_behind} of {data.agents} agents do not confirm the present trust bundle
              </strong>
              <span>{data.behind.join(", ")}</span>
            </div>
          )}
          {KINDS.map((one) => (
            <OfKind key={one.kind} {...one} keys={data} />
          ))}
          <p className="meta">
            The identity, which vouches for all of this, cannot be rotated: a new one is a new hub. If
            somebody may have read the root's file, rotate the root twice.
          </p>
        </div>
      )}
    </Loaded>
  );
}

function OfKind({ kind, title, what, keys }: (typeof KINDS)[number] & { keys: HubKeys }) {
  const [asking, setAsking] = useState<Step>();
  const stage = stageOf(kind, keys.items);
  return (
    <Panel
      flush
      title={title}
      actions={
        <div className="row">
          {stage.steps.map((step) => (
            <Button
              key={step}
              small
              kind={step === "abort" ? undefined : "primary"}
              needs="admin"
              aria-label={`${VERBS[step]}: ${title}`}
              onClick={() => setAsking(step)}
            >
              {VERBS[step]}
            </Button>
          ))}
        </div>
      }
    >
      <p className="pad dim">
        {what} {stage.words}
      </p>
      <Table
        label={`${title} keys`}
        rows={keys.items.filter((key) => key.kind === kind)}
        columns={COLUMNS}
        rowKey={(key) => key.id}
      />
      {asking && (
        <Take kind={kind} title={title} step={asking} stage={stage} onClose={() => setAsking(undefined)} />
      )}
    </Panel>
  );
}

interface TakeProps {
  kind: Kind;
  title: string;
  step: Step;
  stage: Stage;
  onClose: () => void;
}

function Take({ kind, title, step, stage, onClose }: TakeProps) {
  const [force, setForce] = useState(false);
  const refresh = useAction(async () => {}, { changes: ["key"] });
  const path = { kind };
  const take = () => {
    switch (step) {
      case "rotate":
        return api.post("/keys/{kind}/rotate", { path });
      case "switch":
        return api.post("/keys/{kind}/switch", { path, body: { force } });
      case "retire":
        return api.post("/keys/{kind}/retire", { path, body: { force } });
      case "abort":
        return api.post("/keys/{kind}/abort", { path });
    }
  };
  const insists = (step === "switch" && stage.lacking > 0) || (step === "retire" && kind === "signing");
  return (
    <Confirm
      title={`${VERBS[step]}: ${title}`}
      verb={VERBS[step]}
      run={async () => {
        await take();
        await refresh.start();
      }}
      onClose={onClose}
    >
      <div className="stack tight">
        <p>{consequence(kind, step)}</p>
        {insists && (
          <CheckField
            label={
              step === "switch"
                ? "Also while connected agents lack it"
                : "Also while commands it signed are under way"
            }
            hint={
              step === "switch"
                ? "They refuse commands, or cannot connect, until they have it."
                : "Their servers refuse them. For a key that was stolen."
            }
            checked={force}
            onChange={setForce}
          />
        )}
      </div>
    </Confirm>
  );
}
