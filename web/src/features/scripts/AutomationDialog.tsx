// Make or change an automation.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Automation, AutomationInput } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { ParameterValues } from "./ParameterValues";

const MODES: { value: AutomationInput["mode"]; label: string }[] = [
  { value: "observe", label: "Observe: only note what it would do" },
  { value: "approve", label: "Approve: ask a person first" },
  { value: "auto", label: "Auto: act at once" },
];
const COOLDOWN_SECONDS = 900;
const ATTEMPTS = 2;

function draftOf(automation: Automation | undefined) {
  return {
    name: automation?.name ?? "",
    enabled: automation?.enabled ?? true,
    rule: automation?.trigger.rule_id ?? "",
    matchers: automation?.trigger.matchers ?? "",
    script: automation?.script_id ?? "",
    parameters: automation?.parameters ?? {},
    mode: automation?.mode ?? ("approve" as AutomationInput["mode"]),
    cooldown: writeSeconds(automation?.cooldown_seconds ?? COOLDOWN_SECONDS),
    attempts: String(automation?.attempts_per_incident ?? ATTEMPTS),
    verify: automation?.verify_within_seconds == null ? "" : writeSeconds(automation.verify_within_seconds),
  };
}

type Draft = ReturnType<typeof draftOf>;

function inputOf(draft: Draft): AutomationInput {
  return {
    name: draft.name.trim(),
    enabled: draft.enabled,
    trigger: draft.rule ? { rule_id: draft.rule } : { matchers: draft.matchers.trim() },
    script: draft.script,
    parameters: Object.fromEntries(Object.entries(draft.parameters).filter(([, value]) => value !== "")),
    mode: draft.mode,
    cooldown_seconds: parseSeconds(draft.cooldown) ?? null,
    attempts_per_incident: Number(draft.attempts),
    verify_within_seconds: draft.verify ? (parseSeconds(draft.verify) ?? null) : null,
  };
}

function problemsIn(draft: Draft) {
  return {
    name: draft.name.trim() ? undefined : "Enter a name.",
    trigger: draft.rule || draft.matchers.trim() ? undefined : "Choose a rule, or write matchers.",
    script: draft.script ? undefined : "Choose a script.",
    cooldown: parseSeconds(draft.cooldown) === undefined ? "Write a time such as 15m." : undefined,
    attempts: /^[1-9]\d?$/.test(draft.attempts) ? undefined : "A number from 1 to 99.",
    verify: draft.verify && parseSeconds(draft.verify) === undefined ? "Write a time such as 2m." : undefined,
  };
}

export function AutomationDialog({ automation, onClose }: { automation?: Automation; onClose: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(automation));
  const [tried, setTried] = useState(false);
  const all = problemsIn(draft);
  const problems: Partial<typeof all> = tried ? all : {};
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
    if (await save.start()) onClose();
  };
  return (
    <Dialog title={automation ? `Edit ${automation.name}` : "New automation"} wide onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <What draft={draft} set={set} problems={problems} nameError={save.fieldError("name")} />
        <How draft={draft} set={set} problems={problems} />
        <CheckField label="Enabled" checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
        <p className="meta">
          It acts on the alert's own server only. When it does not help, a person is paged at once.
        </p>
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

interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problems: Partial<ReturnType<typeof problemsIn>>;
}

function byName(items: { id: string; name: string }[] | undefined, none: string) {
  return [{ value: "", label: none }, ...(items ?? []).map(({ id, name }) => ({ value: id, label: name }))];
}

function What({ draft, set, problems, nameError }: PartProps & { nameError?: string }) {
  const rules = useQuery(queries.rules());
  const scripts = useQuery(queries.scripts());
  const script = scripts.data?.items.find((one) => one.id === draft.script);
  return (
    <>
      <TextField
        label="Name"
        value={draft.name}
        onChange={(name) => set({ name })}
        error={problems.name ?? nameError}
        placeholder="Restart nginx when it is down"
      />
      <div className="form-columns">
        <SelectField
          label="When this rule fires"
          value={draft.rule}
          choices={byName(rules.data?.items, "any alert that matches")}
          onChange={(rule) => set({ rule })}
        />
        {draft.rule === "" && (
          <TextField
            label="Alerts that match"
            value={draft.matchers}
            onChange={(matchers) => set({ matchers })}
            placeholder={'alertname="NginxDown"'}
            error={problems.trigger}
            mono
          />
        )}
        <SelectField
          label="Run this script"
          value={draft.script}
          choices={byName(scripts.data?.items, "choose")}
          onChange={(id) => set({ script: id, parameters: {} })}
          error={problems.script}
        />
      </div>
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

function How({ draft, set, problems }: PartProps) {
  return (
    <>
      <SelectField label="How" value={draft.mode} choices={MODES} onChange={(mode) => set({ mode })} />
      <div className="form-columns">
        <TextField
          label="Wait between attempts"
          value={draft.cooldown}
          onChange={(cooldown) => set({ cooldown })}
          error={problems.cooldown}
        />
        <TextField
          label="Attempts per incident"
          value={draft.attempts}
          onChange={(attempts) => set({ attempts })}
          inputMode="numeric"
          error={problems.attempts}
        />
        <TextField
          label="Must help within"
          value={draft.verify}
          onChange={(verify) => set({ verify })}
          placeholder="as the rule needs"
          error={problems.verify}
        />
      </div>
    </>
  );
}
