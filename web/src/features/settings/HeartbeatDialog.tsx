// Make or change a heartbeat.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Heartbeat } from "@/api/types";
import { EditDialog } from "@/ui/EditDialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { ZoneField } from "@/ui/ZoneField";
import { type Draft, draftOf, inputOf, missingIn } from "./heartbeat";

const BY = [
  { value: "period" as const, label: "at least so often" },
  { value: "cron" as const, label: "by a cron expression" },
];

export function HeartbeatDialog({ heartbeat, onClose }: { heartbeat?: Heartbeat; onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(heartbeat));
  const services = useQuery(queries.services());
  const integrations = useQuery(queries.integrations());
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const named = (items: { id: string; name: string }[] = []) =>
    items.map(({ id, name }) => ({ value: id, label: name }));
  const keys = integrations.data?.items.filter((one) => one.kind === "heartbeat");
  const save = () => {
    const body = inputOf(draft);
    if (!heartbeat) return api.post("/heartbeats", { body });
    return api.put("/heartbeats/{heartbeat}", { path: { heartbeat: heartbeat.id }, body });
  };
  return (
    <EditDialog
      title={heartbeat ? `Edit ${heartbeat.name}` : "New heartbeat"}
      missing={missingIn(draft)}
      needs="operate"
      changes={["heartbeat"]}
      save={save}
      onClose={onClose}
    >
      <TextField
        label="Name"
        value={draft.name}
        onChange={(name) => set({ name })}
        placeholder="nightly backup"
      />
      <div className="form-columns">
        <SelectField label="It runs" value={draft.by} choices={BY} onChange={(by) => set({ by })} />
        {draft.by === "period" ? (
          <TextField label="Period" value={draft.period} onChange={(period) => set({ period })} />
        ) : (
          <>
            <TextField
              label="Cron expression"
              value={draft.cron}
              onChange={(cron) => set({ cron })}
              placeholder="30 3 * * *"
              mono
            />
            <ZoneField value={draft.timezone} onChange={(timezone) => set({ timezone })} />
          </>
        )}
      </div>
      <div className="form-columns">
        <TextField
          label="Grace"
          value={draft.grace}
          onChange={(grace) => set({ grace })}
          hint="How much later it may come."
        />
        <TextField
          label="Ends within"
          value={draft.finish}
          onChange={(finish) => set({ finish })}
          hint="From its /start, where it tells of that."
        />
      </div>
      <SelectField
        label="Pages"
        value={draft.service}
        choices={[{ value: "", label: "what the routes say" }, ...named(services.data?.items)]}
        onChange={(service) => set({ service })}
      />
      <SelectField
        label="Also by the key of"
        value={draft.integration}
        choices={[{ value: "", label: "no integration" }, ...named(keys)]}
        onChange={(integration) => set({ integration })}
      />
      {draft.integration && (
        <TextField
          label="Slug"
          value={draft.slug}
          onChange={(slug) => set({ slug })}
          hint="Its name below that key; made of the name when empty."
          mono
        />
      )}
      <CheckField
        label="Enabled"
        checked={draft.enabled}
        onChange={(enabled) => set({ enabled })}
        hint="Otherwise its pings are kept and nobody is told."
      />
    </EditDialog>
  );
}
