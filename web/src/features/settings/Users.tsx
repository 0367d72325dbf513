// People: who may do what, and how they are reached.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { User } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { NotifyDialog } from "./NotifyDialog";
import { PasswordDialog } from "./PasswordDialog";
import { UserDialog } from "./UserDialog";

export function Users() {
  const users = useQuery(queries.users());
  const me = useQuery(queries.me());
  const [editing, setEditing] = useState<User | "new">();
  const [changing, setChanging] = useState<User>();
  const [notifiedId, setNotifiedId] = useState<string>();
  // As it is now: a browser that is added while the dialog is open is one of its channels.
  const notified = users.data?.items.find((user) => user.id === notifiedId);
  const isOwn = (user: User) => user.id === me.data?.user?.id;
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
            needs={isOwn(user) ? undefined : "admin"}
            aria-label={`Notifications of ${user.name}`}
            onClick={() => setNotifiedId(user.id)}
          >
            Notifications
          </Button>
          <Button
            small
            needs={isOwn(user) ? undefined : "admin"}
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
        <PasswordDialog user={changing} own={isOwn(changing)} onClose={() => setChanging(undefined)} />
      )}
      {notified && (
        <NotifyDialog user={notified} own={isOwn(notified)} onClose={() => setNotifiedId(undefined)} />
      )}
    </Panel>
  );
}
