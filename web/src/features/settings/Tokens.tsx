// API tokens: the secret is shown once, when it is made.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Schemas } from "@/api/client";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Role, Token } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { DeleteButton } from "@/ui/EditDialog";
import { SelectField, TextField } from "@/ui/Field";
import { Empty, ErrorNotice, Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { useAction } from "@/ui/useAction";
import { ROLES } from "./roles";

type Scope = Schemas["TokenScope"];
const SCOPES: { value: Scope; label: string }[] = [
  { value: "all", label: "Everything its role may" },
  { value: "query", label: "Reading and PromQL only" },
  { value: "events:write", label: "Sending events" },
  { value: "metrics:write", label: "Sending metrics" },
];
const DAY_SECONDS = 86_400;
const LIFETIMES = [
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
  { value: "", label: "It does not expire" },
];

const COLUMNS: Column<Token>[] = [
  {
    key: "name",
    head: "Token",
    main: true,
    cell: (token) => (
      <>
        <strong>{token.name}</strong> {token.revoked_at && <Badge tone="muted">revoked</Badge>}
        <div className="sub">
          made by {token.created_by} <Ago at={token.created_at} />
        </div>
      </>
    ),
  },
  { key: "role", head: "Role", cell: (token) => token.role },
  { key: "scopes", head: "Scopes", low: true, cell: (token) => token.scopes.join(", ") },
  {
    key: "expires",
    head: "Expires",
    low: true,
    cell: (token) => (token.expires_at ? <Ago at={token.expires_at} /> : "never"),
  },
  { key: "used", head: "Last used", low: true, cell: (token) => <Ago at={token.last_used_at} /> },
  {
    key: "actions",
    head: "",
    cell: (token) =>
      token.revoked_at ? null : (
        <DeleteButton
          what={token.name}
          verb="Revoke"
          consequence="What uses it is refused at once."
          needs="admin"
          changes={["token"]}
          run={() => api.delete("/tokens/{token}", { path: { token: token.id } })}
        />
      ),
  },
];

export function Tokens() {
  const tokens = useQuery(queries.tokens());
  const [making, setMaking] = useState(false);
  return (
    <Panel
      flush
      title="API tokens"
      actions={
        <Button small icon="plus" needs="admin" onClick={() => setMaking(true)}>
          New token
        </Button>
      }
    >
      <Loaded query={tokens}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No tokens">
              For the command line, Grafana, and programs that send events or metrics.
            </Empty>
          ) : (
            <Table label="API tokens" rows={items} columns={COLUMNS} rowKey={(token) => token.id} />
          )
        }
      </Loaded>
      {making && <TokenDialog onClose={() => setMaking(false)} />}
    </Panel>
  );
}

function TokenDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [scope, setScope] = useState<Scope>("query");
  const [days, setDays] = useState("90");
  const [secret, setSecret] = useState<string>();
  const make = useAction(
    () =>
      api.post("/tokens", {
        body: {
          name: name.trim(),
          role,
          scopes: [scope],
          expires_in_seconds: days ? Number(days) * DAY_SECONDS : null,
        },
      }),
    { changes: ["token"] },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const made = await make.start();
    if (made) setSecret(made.secret);
  };
  if (secret) {
    return (
      <Dialog title="The token, shown only now" onClose={onClose}>
        <pre className="code-block">{secret}</pre>
        <div className="form-actions">
          <CopyButton text={secret} small={false} />
          <Button kind="primary" onClick={onClose}>
            I have stored it
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New API token" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          placeholder="grafana"
          error={make.fieldError("name")}
          autoFocus
        />
        <SelectField label="Role" value={role} choices={ROLES} onChange={setRole} />
        <SelectField label="May do" value={scope} choices={SCOPES} onChange={setScope} />
        <SelectField label="Valid for" value={days} choices={LIFETIMES} onChange={setDays} />
        {make.error !== undefined && <ErrorNotice error={make.error} title="Could not make the token" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="admin" busy={make.busy} disabled={!name.trim()}>
            Make the token
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
