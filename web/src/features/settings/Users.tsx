// People: who may do what, and how they are reached.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Role, User } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { EditDialog } from "./EditDialog";
import { PasswordDialog } from "./PasswordDialog";

export const ROLES: { value: Role; label: string }[] = [
  { value: "viewer", label: "Viewer: sees everything" },
  { value: "responder", label: "Responder: also acknowledges, notes, resolves" },
  { value: "operator", label: "Operator: also rules, channels, servers, runs" },
  { value: "admin", label: "Administrator: also users, tokens, automations" },
];
const PASSWORD_MIN = 12;

export function Users() {
  const users = useQuery(queries.users());
  const me = useQuery(queries.me());
  const [editing, setEditing] = useState<User | "new">();
  const [changing, setChanging] = useState<User>();
  const columns: Column<User>[] = [
    {
      key: "name",
      head: "User",
      main: true,
      cell: (user) => (
        <>
          <strong>{user.name}</strong> {user.disabled && <Badge tone="muted">disabled</Badge>}
          {user.email && <div className="sub">{user.email}</div>}
        </>
      ),
      sort: (user) => user.name,
    },
    { key: "role", head: "Role", cell: (user) => user.role, sort: (user) => user.role },
    {
      key: "servers",
      head: "Servers",
      low: true,
      cell: (user) => (user.servers ? <code>{user.servers}</code> : "all"),
    },
    { key: "channels", head: "Channels", num: true, low: true, cell: (user) => user.channels.length },
    { key: "login", head: "Last sign-in", low: true, cell: (user) => <Ago at={user.last_login_at} /> },
    {
      key: "actions",
      head: "",
      cell: (user) => (
        <div className="row">
          <Button small needs="admin" aria-label={`Edit ${user.name}`} onClick={() => setEditing(user)}>
            Edit
          </Button>
          <Button
            small
            needs={user.id === me.data?.user?.id ? undefined : "admin"}
            aria-label={`Change the password of ${user.name}`}
            onClick={() => setChanging(user)}
          >
            Password
          </Button>
        </div>
      ),
    },
  ];
  return (
    <Panel
      flush
      title="Users"
      actions={
        <Button small icon="plus" needs="admin" onClick={() => setEditing("new")}>
          New user
        </Button>
      }
    >
      <Loaded query={users}>
        {({ items }) => (
          <Table label="Users" rows={items} columns={columns} rowKey={(user) => user.id} sortBy="name" />
        )}
      </Loaded>
      {editing && (
        <UserDialog user={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} />
      )}
      {changing && (
        <PasswordDialog
          user={changing}
          own={changing.id === me.data?.user?.id}
          onClose={() => setChanging(undefined)}
        />
      )}
    </Panel>
  );
}

function UserDialog({ user, onClose }: { user?: User; onClose: () => void }) {
  const channels = useQuery(queries.channels());
  const [draft, setDraft] = useState({
    name: user?.name ?? "",
    email: user?.email ?? "",
    password: "",
    role: user?.role ?? ("responder" as Role),
    servers: user?.servers ?? "",
    channels: user?.channels ?? [],
    disabled: user?.disabled ?? false,
  });
  const set = (change: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...change }));
  const missing = !draft.name.trim()
    ? "Enter a name."
    : !user && draft.password.length < PASSWORD_MIN
      ? `The password needs at least ${PASSWORD_MIN} characters.`
      : undefined;
  const shared = { role: draft.role, channels: draft.channels };
  const save = () =>
    user
      ? api.patch("/users/{user}", {
          path: { user: user.id },
          body: { ...shared, email: draft.email || null, servers: draft.servers, disabled: draft.disabled },
        })
      : api.post("/users", {
          body: {
            ...shared,
            name: draft.name.trim(),
            password: draft.password,
            email: draft.email || null,
            servers: draft.servers || null,
          },
        });
  return (
    <EditDialog
      title={user ? `Edit ${user.name}` : "New user"}
      missing={missing}
      needs="admin"
      changes={["user"]}
      save={save}
      onClose={onClose}
    >
      {!user && (
        <div className="form-columns">
          <TextField label="Name" value={draft.name} onChange={(name) => set({ name })} autoComplete="off" />
          <TextField
            label="First password"
            type="password"
            value={draft.password}
            onChange={(password) => set({ password })}
            autoComplete="new-password"
            hint={`At least ${PASSWORD_MIN} characters.`}
          />
        </div>
      )}
      <TextField label="Email" type="email" value={draft.email} onChange={(email) => set({ email })} />
      <SelectField label="Role" value={draft.role} choices={ROLES} onChange={(role) => set({ role })} />
      <TextField
        label="Only these servers"
        value={draft.servers}
        onChange={(servers) => set({ servers })}
        placeholder='all, or matchers such as team="web"'
        mono
      />
      <fieldset className="stack tight">
        <legend className="label">Reached by, in this order</legend>
        {(channels.data?.items ?? []).map((channel) => (
          <CheckField
            key={channel.id}
            label={channel.name}
            checked={draft.channels.includes(channel.id)}
            onChange={(on) =>
              set({
                channels: on
                  ? [...draft.channels, channel.id]
                  : draft.channels.filter((id) => id !== channel.id),
              })
            }
          />
        ))}
        {channels.data?.items.length === 0 && <span className="meta">There are no channels yet.</span>}
      </fieldset>
      {user && (
        <CheckField
          label="Disabled"
          hint="Signed out at once; cannot sign in."
          checked={draft.disabled}
          onChange={(disabled) => set({ disabled })}
        />
      )}
    </EditDialog>
  );
}
