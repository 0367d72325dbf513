// Teams: people who are paged together.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useWhyNot } from "@/api/access";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Role, Team } from "@/api/types";
import { Button } from "@/ui/Button";
import { DeleteButton, EditDialog } from "@/ui/EditDialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";

export function Teams() {
  const teams = useQuery(queries.teams());
  const users = useQuery(queries.users());
  const [editing, setEditing] = useState<Team | "new">();
  const nameOf = (id: string) => users.data?.items.find((user) => user.id === id)?.name ?? "somebody";
  const columns: Column<Team>[] = [
    { key: "name", head: "Team", cell: (team) => <strong>{team.name}</strong> },
    {
      key: "members",
      head: "Members",
      main: true,
      cell: (team) => team.members.map(nameOf).join(", ") || "nobody",
    },
    {
      key: "rights",
      head: "Automations act as it",
      low: true,
      cell: (team) => (team.role ? `as ${team.role}, on ${team.servers || "all servers"}` : "no"),
    },
    {
      key: "actions",
      head: "",
      cell: (team) => (
        <div className="row">
          <Button small needs="operate" aria-label={`Edit ${team.name}`} onClick={() => setEditing(team)}>
            Edit
          </Button>
          <DeleteButton
            what={team.name}
            consequence="Policies that page it no longer reach its members. Automations that act as it stop."
            needs="operate"
            changes={["team"]}
            run={() => api.delete("/teams/{team}", { path: { team: team.id } })}
          />
        </div>
      ),
    },
  ];
  return (
    <Panel
      flush
      title="Teams"
      actions={
        <Button small icon="plus" needs="operate" onClick={() => setEditing("new")}>
          New team
        </Button>
      }
    >
      <Loaded query={teams}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No teams" />
          ) : (
            <Table label="Teams" rows={items} columns={columns} rowKey={(team) => team.id} />
          )
        }
      </Loaded>
      {editing && (
        <TeamDialog team={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} />
      )}
    </Panel>
  );
}

function TeamDialog({ team, onClose }: { team?: Team; onClose: () => void }) {
  const users = useQuery(queries.users());
  const [name, setName] = useState(team?.name ?? "");
  const [members, setMembers] = useState<string[]>(team?.members ?? []);
  const [rights, setRights] = useState<Rights>({ role: team?.role ?? "", servers: team?.servers ?? "" });
  const body = {
    name: name.trim(),
    members,
    role: rights.role || null,
    servers: rights.role ? rights.servers.trim() || null : null,
  };
  return (
    <EditDialog
      title={team ? `Edit ${team.name}` : "New team"}
      missing={name.trim() ? undefined : "Enter a name."}
      needs="operate"
      changes={["team"]}
      save={() =>
        team ? api.put("/teams/{team}", { path: { team: team.id }, body }) : api.post("/teams", { body })
      }
      onClose={onClose}
    >
      <TextField label="Name" value={name} onChange={setName} />
      <fieldset className="stack tight">
        <legend className="label">Members</legend>
        {(users.data?.items ?? []).map((user) => (
          <CheckField
            key={user.id}
            label={user.name}
            checked={members.includes(user.id)}
            onChange={(on) => setMembers(on ? [...members, user.id] : members.filter((id) => id !== user.id))}
          />
        ))}
      </fieldset>
      <RightsFields rights={rights} set={setRights} />
    </EditDialog>
  );
}

interface Rights {
  role: Role | "";
  servers: string;
}

const RIGHTS: { value: Rights["role"]; label: string }[] = [
  { value: "", label: "No: nothing acts as this team" },
  { value: "operator", label: "Yes, with the rights of an operator" },
  { value: "admin", label: "Yes, with the rights of an administrator" },
];

/** Whoever is in the team keeps their own rights: these are for what acts as it. */
function RightsFields({ rights, set }: { rights: Rights; set: (rights: Rights) => void }) {
  const allowed = useWhyNot("admin") === undefined;
  if (!allowed) return null;
  return (
    <>
      <SelectField
        label="Automations may act as this team"
        value={rights.role}
        choices={RIGHTS}
        onChange={(role) => set({ ...rights, role })}
        hint="They go on when who saved them leaves. Members keep their own rights."
      />
      {rights.role && (
        <TextField
          label="Only on these servers"
          value={rights.servers}
          onChange={(servers) => set({ ...rights, servers })}
          placeholder='all, or matchers such as team="web"'
          mono
        />
      )}
    </>
  );
}
