// What the hub knows of SSH: credentials somebody saved, and the keys of hosts.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Credential, HostKey } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { DeleteButton, EditDialog } from "@/ui/EditDialog";
import { AreaField, SelectField, TextField } from "@/ui/Field";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Status } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";

const CREDENTIALS: Column<Credential>[] = [
  {
    key: "name",
    head: "Credential",
    main: true,
    cell: (one) => (
      <>
        <strong>{one.name}</strong>
        <div className="sub">
          {one.kind} of {one.user}
        </div>
      </>
    ),
  },
  { key: "by", head: "Saved by", low: true, cell: (one) => one.created_by },
  { key: "created", head: "Saved", low: true, cell: (one) => <Ago at={one.created_at} /> },
  { key: "used", head: "Last used", low: true, cell: (one) => <Ago at={one.last_used_at} /> },
  {
    key: "actions",
    head: "",
    cell: (one) => (
      <DeleteButton
        what={one.name}
        consequence="Deployments that would use it have to be given a key or password."
        needs="operate"
        changes={["credential"]}
        run={() => api.delete("/credentials/{credential}", { path: { credential: one.id } })}
      />
    ),
  },
];

const HOST_KEYS: Column<HostKey>[] = [
  {
    key: "host",
    head: "Host",
    main: true,
    cell: (key) => (
      <>
        <strong>
          {key.host}
          {key.port === 22 ? "" : `:${key.port}`}
        </strong>
        <div className="sub mono fingerprint">{key.fingerprint}</div>
      </>
    ),
  },
  {
    key: "state",
    head: "State",
    cell: (key) => <Status tone={key.state === "pinned" ? "ok" : "muted"}>{key.state}</Status>,
  },
  { key: "algorithm", head: "Algorithm", low: true, cell: (key) => <code>{key.algorithm}</code> },
  { key: "by", head: "Added by", low: true, cell: (key) => key.added_by },
  { key: "seen", head: "First seen", low: true, cell: (key) => <Ago at={key.first_seen_at} /> },
  {
    key: "actions",
    head: "",
    cell: (key) =>
      key.state === "revoked" ? null : (
        <DeleteButton
          what={`the key of ${key.host}`}
          verb="Revoke"
          consequence="The hub never again connects to a host that shows this key."
          needs="operate"
          changes={["host_key"]}
          run={() => api.post("/host-keys/{host_key}/revoke", { path: { host_key: key.id } })}
        />
      ),
  },
];

export function Ssh() {
  const credentials = useQuery(queries.credentials());
  const hostKeys = useQuery(queries.hostKeys());
  const [saving, setSaving] = useState(false);
  return (
    <div className="stack">
      <Panel
        flush
        title="Saved credentials"
        actions={
          <Button small icon="plus" needs="operate" onClick={() => setSaving(true)}>
            Save one
          </Button>
        }
      >
        <Loaded query={credentials}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="None is saved">
                The safest: the hub then has keys and passwords in memory only, for as long as it deploys.
              </Empty>
            ) : (
              <Table label="Credentials" rows={items} columns={CREDENTIALS} rowKey={(one) => one.id} />
            )
          }
        </Loaded>
      </Panel>
      <Panel flush title="Host keys">
        <Loaded query={hostKeys}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No host is known">Keys are kept when a host is deployed to or confirmed.</Empty>
            ) : (
              <Table label="Host keys" rows={items} columns={HOST_KEYS} rowKey={(key) => key.id} />
            )
          }
        </Loaded>
      </Panel>
      {saving && <CredentialDialog onClose={() => setSaving(false)} />}
    </div>
  );
}

const KINDS = [
  { value: "key", label: "A private key" },
  { value: "password", label: "A password" },
];

function CredentialDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [user, setUser] = useState("root");
  const [kind, setKind] = useState("key");
  const [secret, setSecret] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [sudo, setSudo] = useState("");
  const key = kind === "key";
  const missing =
    !name.trim() || !user.trim() ? "Give it a name and a user." : secret ? undefined : "Give the secret.";
  const save = () => {
    const body = {
      name: name.trim(),
      user: user.trim(),
      private_key: key ? secret : null,
      passphrase: key && passphrase ? passphrase : null,
      password: key ? null : secret,
      sudo_password: sudo || null,
    };
    return api.post("/credentials", { body });
  };
  return (
    <EditDialog
      title="Save a credential"
      missing={missing}
      needs="operate"
      changes={["credential"]}
      save={save}
      onClose={onClose}
    >
      <p className="dim">
        It is sealed with the hub's master key and cannot be read again. Every operator may deploy with it,
        and whoever steals the hub with its keys gets into every host that takes it.
      </p>
      <TextField label="Name" value={name} onChange={setName} placeholder="fleet key" autoFocus />
      <TextField label="User" value={user} onChange={setUser} autoComplete="off" mono />
      <SelectField label="What" value={kind} choices={KINDS} onChange={setKind} />
      {key ? (
        <>
          <AreaField
            label="Private key"
            value={secret}
            onChange={setSecret}
            rows={4}
            autoComplete="off"
            mono
          />
          <TextField
            label="Passphrase of the key"
            type="password"
            value={passphrase}
            onChange={setPassphrase}
            autoComplete="off"
          />
        </>
      ) : (
        <TextField label="Password" type="password" value={secret} onChange={setSecret} autoComplete="off" />
      )}
      <TextField
        label="Password for sudo"
        type="password"
        value={sudo}
        onChange={setSudo}
        autoComplete="off"
        hint="Only if sudo asks for another one."
      />
    </EditDialog>
  );
}
