// Make or change an automation.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Automation } from "@/api/types";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { ParameterValues } from "@/ui/ParameterValues";
import { useAction } from "@/ui/useAction";
import { byName, HowOften, Which } from "./AlertFields";
import { When, Where } from "./ClockFields";
import { type Draft, draftOf, inputOf, type Problems, problemsIn, type Start } from "./draft";

export const MODES: { value: Draft["mode"]; label: string }[] = [
  { value: "observe", label: "Observe: only note what it would do" },
  { value: "approve", label: "Approve: ask a person first" },
  { value: "auto", label: "Auto: act at once" },
];

const STARTS: { value: Start; label: string }[] = [
  { value: "alert", label: "When an alert fires" },
  { value: "clock", label: "By the clock" },
];

interface Props {
  automation?: Automation;
  onSaved?: (saved: Automation) => void;
  onClose: () => void;
}

export function AutomationDialog({ automation, onSaved, onClose }: Props) {
  const [draft, setDraft] = useState(() => draftOf(automation));
  const [tried, setTried] = useState(false);
  const all = problemsIn(draft);
  const problems: Problems = tried ? all : {};
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const save = useAction(
    () => {
      const body = inputOf(draft);
      if (!automation) return api.post("/automations", { body });
      return api.put("/automations/{automation}", { path: { automation: automation.id }, body });
    },
    { changes: ["automation", "rule"], done: "Automation saved" },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.values(all).some(Boolean)) return;
    const saved = await save.start();
    if (!saved) return;
    onClose();
    onSaved?.(saved);
  };
  const part = { draft, set, problems, fieldError: save.fieldError };
  const byClock = draft.start === "clock";
  return (
    <Dialog title={automation ? `Edit ${automation.name}` : "New automation"} wide onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <div className="form-columns">
          <TextField
            label="Name"
            value={draft.name}
            onChange={(name) => set({ name })}
            error={problems.name ?? save.fieldError("name")}
            placeholder={byClock ? "Nightly backup" : "Restart nginx when it is down"}
          />
          <SelectField
            label="It starts"
            value={draft.start}
            choices={STARTS}
            onChange={(start) => set({ start })}
          />
        </div>
        {byClock ? <When {...part} /> : <Which {...part} />}
        <What {...part} />
        {byClock && <Where {...part} />}
        <div className="form-columns">
          <SelectField label="How" value={draft.mode} choices={MODES} onChange={(mode) => set({ mode })} />
          <ActsAs {...part} />
        </div>
        {!byClock && <HowOften {...part} />}
        <CheckField label="Enabled" checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
        {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="admin" busy={save.busy}>
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

interface WhatProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problems: Problems;
}

function What({ draft, set, problems }: WhatProps) {
  const scripts = useQuery(queries.scripts());
  const script = scripts.data?.items.find((one) => one.id === draft.script);
  return (
    <>
      <SelectField
        label="Run this script"
        value={draft.script}
        choices={byName(scripts.data?.items, "choose")}
        onChange={(id) => set({ script: id, parameters: {} })}
        error={problems.script}
      />
      {script && (
        <ParameterValues
          parameters={script.parameters}
          values={draft.parameters}
          onChange={(parameters) => set({ parameters })}
        />
      )}
    </>
  );
}

/** A team's automation goes on when who saved it leaves. Teams that were given no rights are not offered. */
function ActsAs({ draft, set, fieldError }: Omit<WhatProps, "problems"> & FieldErrors) {
  const teams = useQuery(queries.teams());
  const able = (teams.data?.items ?? []).filter(
    ({ name, role }) => role === "operator" || role === "admin" || name === draft.team,
  );
  const choices = able.map(({ name }) => ({ value: name, label: `Team ${name}` }));
  return (
    <SelectField
      label="By the right of"
      value={draft.team}
      choices={[{ value: "", label: "Whoever saved it last" }, ...choices]}
      onChange={(team) => set({ team })}
      hint="A team's automation goes on when who saved it leaves."
      error={fieldError("team")}
    />
  );
}

interface FieldErrors {
  fieldError: (field: string) => string | undefined;
}
