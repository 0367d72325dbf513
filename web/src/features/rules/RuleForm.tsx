// The editor: one sentence, PromQL, or a match on events; what it would say is shown beside it.
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import type { Rule, RuleInput } from "@/api/types";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { AreaField, CheckField, SelectField, TextField } from "@/ui/Field";
import { ErrorNotice, Panel } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { type Draft, exprOf, inputOf, type Mode, problemsIn } from "./draft";
import { EventFields } from "./EventFields";
import { Preview } from "./Preview";
import { type PartProps, SEVERITIES } from "./parts";
import { SentenceFields } from "./SentenceFields";

const MODES: { value: Mode; label: string }[] = [
  { value: "sentence", label: "As a sentence" },
  { value: "promql", label: "PromQL" },
  { value: "event", label: "On an event" },
  { value: "recording", label: "Stored result" },
];

const HOW = {
  event:
    "Every event of this kind whose labels match opens an alert. An event of the resolving kind with the same labels closes it.",
  recording:
    "The result is stored under the metric name each time its data arrives. Other rules, charts and Grafana read it like any metric. It never alerts.",
};

const NO_DATA: { value: NonNullable<RuleInput["no_data"]>; label: string }[] = [
  { value: "ok", label: "count as resolved" },
  { value: "keep", label: "stay as it is" },
  { value: "alert", label: "fire" },
];

export function RuleForm({ initial, rule }: { initial: Draft; rule?: Rule }) {
  const [draft, setDraft] = useState(initial);
  const [tried, setTried] = useState(false);
  const [, navigate] = useLocation();
  const all = problemsIn(draft);
  const problems = tried ? all : {};
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const save = useAction(
    () => {
      const body = inputOf(draft);
      return rule
        ? api.put("/rules/{rule}", { path: { rule: rule.id }, body })
        : api.post("/rules", { body });
    },
    { changes: ["rule"], done: rule ? "Rule saved" : "Rule made" },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(all).length > 0) return;
    const saved = await save.start();
    if (saved && !rule) navigate(paths.rule(saved.id));
  };
  const changeMode = (mode: Mode) => {
    // The sentence becomes the first text of the PromQL mode.
    if ((mode === "promql" || mode === "recording") && draft.mode === "sentence") {
      const { expr, recover_expr } = inputOf(draft);
      set({ mode, expr: expr ?? "", recoverExpr: recover_expr ?? "" });
    } else set({ mode });
  };
  const part = { draft, set, problems: { ...problems, name: problems.name ?? save.fieldError("name") } };
  return (
    <form className="columns even" onSubmit={submit}>
      <Panel
        title="When"
        actions={
          <div className="row" role="group" aria-label="How to write it">
            {MODES.map(({ value, label }) => (
              <Button key={value} small aria-pressed={draft.mode === value} onClick={() => changeMode(value)}>
                {label}
              </Button>
            ))}
          </div>
        }
      >
        <div className="stack">
          {draft.mode === "sentence" && <SentenceFields {...part} />}
          {draft.mode === "promql" && <PromqlFields {...part} error={save.fieldError("expr")} />}
          {draft.mode === "event" && <EventFields {...part} />}
          {draft.mode === "recording" && <RecordingFields {...part} error={save.fieldError("expr")} />}
          {(draft.mode === "sentence" || draft.mode === "promql") && <TimingFields {...part} />}
          <SharedFields {...part} />
          {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save the rule" />}
          <div className="form-actions">
            <Button type="submit" kind="primary" needs="operate" busy={save.busy}>
              {rule ? "Save" : "Make the rule"}
            </Button>
            {rule && <RemoveRule rule={rule} />}
          </div>
        </div>
      </Panel>
      {draft.mode === "sentence" || draft.mode === "promql" ? (
        <Preview expr={exprOf(draft)} draft={draft} />
      ) : (
        <Panel title="How it works">
          <p>{HOW[draft.mode]}</p>
        </Panel>
      )}
    </form>
  );
}

function PromqlFields({ draft, set, problems, error }: PartProps & { error?: string }) {
  return (
    <>
      <AreaField
        label="Expression"
        value={draft.expr}
        onChange={(expr) => set({ expr })}
        rows={4}
        mono
        error={problems.expr ?? error}
        hint="Each series that it returns is an alert. A comparison such as > 90 keeps only the bad ones."
      />
      <AreaField
        label="Recovered when"
        value={draft.recoverExpr}
        onChange={(recoverExpr) => set({ recoverExpr })}
        rows={2}
        mono
        hint="Optional: ends the alert when this returns the series. Empty: when the expression no longer does."
      />
    </>
  );
}

function RecordingFields({ draft, set, problems, error }: PartProps & { error?: string }) {
  return (
    <>
      <TextField
        label="Metric name"
        value={draft.record}
        onChange={(record) => set({ record })}
        error={problems.record}
        placeholder="job:requests:rate5m"
      />
      <AreaField
        label="Expression"
        value={draft.expr}
        onChange={(expr) => set({ expr })}
        rows={4}
        mono
        error={problems.expr ?? error}
      />
    </>
  );
}

function TimingFields({ draft, set, problems }: PartProps) {
  return (
    <div className="form-columns">
      {draft.mode === "promql" && (
        <TextField
          label="Must hold for"
          value={draft.forText}
          onChange={(forText) => set({ forText })}
          error={problems.forText}
        />
      )}
      <TextField
        label="Keep firing for"
        value={draft.keepText}
        onChange={(keepText) => set({ keepText })}
        error={problems.keepText}
        hint="After it no longer holds, against flapping."
      />
      <SelectField
        label="When there is no data"
        value={draft.noData ?? "ok"}
        choices={NO_DATA}
        onChange={(noData) => set({ noData })}
        hint="A server that does not report has its own rule."
      />
    </div>
  );
}

function SharedFields({ draft, set, problems }: PartProps) {
  return (
    <>
      <TextField
        label="Name"
        value={draft.name}
        onChange={(name) => set({ name })}
        error={problems.name}
        placeholder="CPU busy"
      />
      {draft.mode !== "recording" && <AlertFields draft={draft} set={set} problems={problems} />}
      <CheckField label="Enabled" checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
    </>
  );
}

function AlertFields({ draft, set }: PartProps) {
  return (
    <>
      <div className="form-columns">
        {draft.mode !== "sentence" && (
          <SelectField
            label="Severity"
            value={draft.severity}
            choices={SEVERITIES}
            onChange={(severity) => set({ severity })}
          />
        )}
        <TextField
          label="Summary"
          value={draft.summary}
          onChange={(summary) => set({ summary })}
          placeholder="{{ $labels.instance }} is at {{ $value }}"
          hint="Shown as the incident's title. Empty: the rule's name and the server."
        />
      </div>
      <CheckField
        label="Page people"
        hint="Off: its alerts are only shown."
        checked={draft.paging}
        onChange={(paging) => set({ paging })}
      />
    </>
  );
}

function RemoveRule({ rule }: { rule: Rule }) {
  const [asking, setAsking] = useState(false);
  const [, navigate] = useLocation();
  return (
    <>
      <Button kind="danger" icon="trash" needs="operate" onClick={() => setAsking(true)}>
        Delete
      </Button>
      {asking && (
        <Confirm
          title={`Delete ${rule.name}`}
          verb="Delete the rule"
          run={async () => {
            await api.delete("/rules/{rule}", { path: { rule: rule.id } });
            navigate(paths.rules);
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            {rule.firing > 0 ? `Its ${rule.firing} firing alerts are resolved. ` : ""}
            To silence it for a while, switch paging off instead.
          </p>
        </Confirm>
      )}
    </>
  );
}
