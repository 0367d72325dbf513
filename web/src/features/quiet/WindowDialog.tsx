// A maintenance window, written: for which alerts, and when.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { MaintenanceWindow } from "@/api/types";
import { ownZone } from "@/lib/zone-time";
import { Button } from "@/ui/Button";
import { CronPreview } from "@/ui/CronPreview";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { ZoneField } from "@/ui/ZoneField";
import { type Draft, draftOf, durationProblem, inputOf } from "./draft";

const KINDS = [
  { value: "recurring", label: "again and again" },
  { value: "once", label: "once" },
];

interface Props {
  old?: MaintenanceWindow;
  onClose: () => void;
}

export function WindowDialog({ old, onClose }: Props) {
  const [draft, setDraft] = useState(() => draftOf(old, ownZone(), Date.now()));
  const [tried, setTried] = useState(false);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const save = useAction(
    () => {
      const body = inputOf(draft);
      if (!old) return api.post("/maintenance-windows", { body });
      return api.put("/maintenance-windows/{window}", { path: { window: old.id }, body });
    },
    { changes: ["maintenance"], done: "Saved" },
  );
  const problem = tried ? durationProblem(draft) : undefined;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (durationProblem(draft) === undefined && (await save.start())) onClose();
  };
  return (
    <Dialog title={old ? `Change ${old.name}` : "New maintenance window"} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <TextField
          label="Name"
          value={draft.name}
          onChange={(name) => set({ name })}
          placeholder="nightly backup"
          error={save.fieldError("name")}
          autoFocus={!old}
        />
        <TextField
          label="Alerts with these labels"
          value={draft.matchers}
          onChange={(matchers) => set({ matchers })}
          placeholder={'team="db",env=~"prod|stage"'}
          hint="Their own and their server's: all of them must match."
          error={save.fieldError("matchers")}
          mono
        />
        <SelectField
          label="It comes"
          value={draft.recurring ? "recurring" : "once"}
          choices={KINDS}
          onChange={(kind) => set({ recurring: kind === "recurring" })}
        />
        {draft.recurring ? (
          <Recurring draft={draft} set={set} problem={problem} fieldError={save.fieldError} />
        ) : (
          <Once draft={draft} set={set} fieldError={save.fieldError} />
        )}
        <TextField
          label="What is done meanwhile (optional)"
          value={draft.comment}
          onChange={(comment) => set({ comment })}
          error={save.fieldError("comment")}
        />
        <Told draft={draft} set={set} />
        {old && (
          <CheckField label="It counts" checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
        )}
        {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="operate" busy={save.busy}>
            {old ? "Save" : "Plan it"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Told({ draft, set }: Pick<PartProps, "draft" | "set">) {
  const channels = useQuery(queries.channels());
  const without = (id: string) => draft.notify.filter((one) => one !== id);
  const all = channels.data?.items ?? [];
  if (all.length === 0) return null;
  return (
    <fieldset className="stack tight">
      <legend className="label">Told when it begins and ends</legend>
      {all.map(({ id, name }) => (
        <CheckField
          key={id}
          label={name}
          checked={draft.notify.includes(id)}
          onChange={(on) => set({ notify: on ? [...draft.notify, id] : without(id) })}
        />
      ))}
    </fieldset>
  );
}

interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problem?: string;
  fieldError: (field: string) => string | undefined;
}

function Recurring({ draft, set, problem, fieldError }: PartProps) {
  return (
    <>
      <div className="form-columns">
        <TextField
          label="Begins at"
          value={draft.cron}
          onChange={(cron) => set({ cron })}
          error={fieldError("cron")}
          mono
        />
        <ZoneField
          value={draft.timezone}
          onChange={(timezone) => set({ timezone })}
          error={fieldError("timezone")}
        />
        <TextField
          label="Lasts"
          value={draft.duration}
          onChange={(duration) => set({ duration })}
          placeholder="2h"
          error={problem ?? fieldError("duration_seconds")}
        />
      </div>
      <CronPreview cron={draft.cron} timezone={draft.timezone} />
    </>
  );
}

function Once({ draft, set, fieldError }: PartProps) {
  return (
    <div className="form-columns">
      <TextField
        label="From"
        type="datetime-local"
        value={draft.starts}
        onChange={(starts) => set({ starts })}
        error={fieldError("starts_at")}
        required
      />
      <TextField
        label="To"
        type="datetime-local"
        value={draft.ends}
        onChange={(ends) => set({ ends })}
        error={fieldError("ends_at")}
        required
      />
    </div>
  );
}
