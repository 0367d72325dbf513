// Make or change a user.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Role, User } from "@/api/types";
import { EditDialog } from "@/ui/EditDialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { ROLES } from "./roles";

const PASSWORD_MIN = 12;

function draftOf(user: User | undefined) {
  return {
    name: user?.name ?? "",
    email: user?.email ?? "",
    password: "",
    role: user?.role ?? ("responder" as Role),
    servers: user?.servers ?? "",
    channels: user?.channels ?? [],
    disabled: user?.disabled ?? false,
  };
}

type Draft = ReturnType<typeof draftOf>;
interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

function create(draft: Draft) {
  const { role, channels, password } = draft;
  return api.post("/users", {
    body: {
      ...{ role, channels, password },
      name: draft.name.trim(),
      email: draft.email || null,
      servers: draft.servers || null,
    },
  });
}

function change(user: User, { role, channels, servers, disabled, email }: Draft) {
  return api.patch("/users/{user}", {
    path: { user: user.id },
    body: { role, channels, servers, disabled, email: email || null },
  });
}

function missingIn(draft: Draft, isNew: boolean): string | undefined {
  if (!draft.name.trim()) return "Enter a name.";
  if (isNew && draft.password.length < PASSWORD_MIN) {
    return `The password needs at least ${PASSWORD_MIN} characters.`;
  }
  return undefined;
}

export function UserDialog({ user, onClose }: { user?: User; onClose: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(user));
  const set = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  return (
    <EditDialog
      title={user ? `Edit ${user.name}` : "New user"}
      missing={missingIn(draft, !user)}
      needs="admin"
      changes={["user"]}
      save={() => (user ? change(user, draft) : create(draft))}
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
      <ReachedBy draft={draft} set={set} />
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

function ReachedBy({ draft, set }: PartProps) {
  const channels = useQuery(queries.channels());
  const without = (id: string) => draft.channels.filter((one) => one !== id);
  return (
    <fieldset className="stack tight">
      <legend className="label">Reached by, in this order</legend>
      {(channels.data?.items ?? []).map(({ id, name }) => (
        <CheckField
          key={id}
          label={name}
          checked={draft.channels.includes(id)}
          onChange={(on) => set({ channels: on ? [...draft.channels, id] : without(id) })}
        />
      ))}
      {channels.data?.items.length === 0 && <span className="meta">There are no channels yet.</span>}
    </fieldset>
  );
}
