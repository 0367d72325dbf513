// Text and parameters of a script. Saving makes a new version; runs keep the version they ran.
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import type { Parameter, Script, ScriptInput } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { CheckField, TextField } from "@/ui/Field";
import { ErrorNotice, Panel } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { CodeEditor } from "./CodeEditor";
import { ParameterFields } from "./ParameterFields";

const FIRST_BODY = "#!/bin/sh\nset -eu\n\n";

interface Draft {
  name: string;
  description: string;
  body: string;
  interpreter: string;
  timeout: string;
  user: string;
  approval: boolean;
  idempotent: boolean;
  parameters: Parameter[];
}

function draftOf(script?: Script): Draft {
  return {
    name: script?.name ?? "",
    description: script?.description ?? "",
    body: script?.body ?? FIRST_BODY,
    interpreter: script?.interpreter.join(" ") ?? "/bin/sh",
    timeout: writeSeconds(script?.timeout_seconds ?? 60),
    user: script?.user ?? "",
    approval: script?.needs_approval ?? false,
    idempotent: script?.idempotent ?? false,
    parameters: script?.parameters ?? [],
  };
}

const PARAMETER_NAME = /^[A-Z][A-Z0-9_]*$/;

function problemsIn(draft: Draft) {
  const seconds = parseSeconds(draft.timeout);
  const bad = draft.parameters.find((parameter) => !PARAMETER_NAME.test(parameter.name));
  return {
    name: draft.name.trim() ? undefined : "Enter a name.",
    body: draft.body.trim() ? undefined : "Write the script.",
    timeout:
      seconds === undefined || seconds < 1 || seconds > 3600
        ? "A time from 1s to 1h, such as 90s or 5m."
        : undefined,
    parameters: bad ? `"${bad.name}" is no name: capitals, digits and _, such as SERVICE.` : undefined,
  };
}

function inputOf(draft: Draft): ScriptInput {
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    body: draft.body,
    interpreter: draft.interpreter.split(/\s+/).filter(Boolean),
    parameters: draft.parameters,
    timeout_seconds: parseSeconds(draft.timeout) ?? null,
    user: draft.user.trim() || null,
    needs_approval: draft.approval,
    idempotent: draft.idempotent,
  };
}

export function ScriptForm({ script }: { script?: Script }) {
  const [draft, setDraft] = useState(() => draftOf(script));
  const [tried, setTried] = useState(false);
  const [, navigate] = useLocation();
  const all = problemsIn(draft);
  const problems: Partial<typeof all> = tried ? all : {};
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const save = useAction(
    () => {
      const body = inputOf(draft);
      if (!script) return api.post("/scripts", { body });
      return api.put("/scripts/{script}", { path: { script: script.id }, body });
    },
    { changes: ["script"], done: script ? "Saved as a new version" : "Script made" },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.values(all).some(Boolean)) return;
    const saved = await save.start();
    if (saved) navigate(paths.script(saved.id));
  };
  return (
    <Panel>
      <form className="stack" onSubmit={submit}>
        <div className="form-columns">
          <TextField
            label="Name"
            value={draft.name}
            onChange={(name) => set({ name })}
            placeholder="restart-nginx"
            error={problems.name ?? save.fieldError("name")}
            mono
          />
          <TextField
            label="What it does"
            value={draft.description}
            onChange={(description) => set({ description })}
          />
        </div>
        <CodeEditor
          label="Script"
          value={draft.body}
          onChange={(body) => set({ body })}
          error={problems.body ?? save.fieldError("body")}
        />
        <ParameterFields
          parameters={draft.parameters}
          onChange={(parameters) => set({ parameters })}
          error={problems.parameters ?? save.fieldError("parameters")}
        />
        <HowItRuns draft={draft} set={set} timeoutError={problems.timeout} fieldError={save.fieldError} />
        <CheckField
          label="Each run starts only when another person approves it"
          checked={draft.approval}
          onChange={(approval) => set({ approval })}
        />
        <CheckField
          label="Running it twice does no harm"
          hint="On a server where nobody knows how it ended, it is tried again, three times in all."
          checked={draft.idempotent}
          onChange={(idempotent) => set({ idempotent })}
        />
        {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save the script" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="operate" busy={save.busy}>
            {script ? "Save as a new version" : "Make the script"}
          </Button>
        </div>
      </form>
    </Panel>
  );
}

interface HowProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  timeoutError?: string;
  fieldError: (field: string) => string | undefined;
}

function HowItRuns({ draft, set, timeoutError, fieldError }: HowProps) {
  return (
    <div className="form-columns">
      <TextField
        label="Interpreter"
        value={draft.interpreter}
        onChange={(interpreter) => set({ interpreter })}
        hint="The path of the script's file is appended."
        error={fieldError("interpreter")}
        mono
      />
      <TextField
        label="Time limit"
        value={draft.timeout}
        onChange={(timeout) => set({ timeout })}
        error={timeoutError ?? fieldError("timeout_seconds")}
      />
      <TextField
        label="Run as user"
        value={draft.user}
        onChange={(user) => set({ user })}
        placeholder="the agent's own"
        error={fieldError("user")}
        mono
      />
    </div>
  );
}
