// Run a script: targets by selector with a live count, the plan first, then the start.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import type { Schemas } from "@/api/client";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Script } from "@/api/types";
import { useSettled } from "@/lib/hooks";
import { shellWord } from "@/lib/shell";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Cli } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { ErrorNotice, problemOf } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { ParameterValues } from "./ParameterValues";

const NAMES_SHOWN_MAX = 12;

export function RunSheet({ script, onClose }: { script: Script; onClose: () => void }) {
  const [on, setOn] = useState("");
  const [values, setValues] = useState<Record<string, string>>(() => firstValues(script));
  const [plan, setPlan] = useState<Schemas["RunPlan"]>();
  const [, navigate] = useLocation();
  const body = { script: script.id, version: script.version, on, parameters: given(values) };
  const dry = useAction(() => api.post("/runs", { body: { ...body, dry_run: true } }), { changes: [] });
  const start = useAction(() => api.post("/runs", { body }), { changes: ["run"] });
  const showPlan = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await dry.start();
    if (answer) setPlan(answer.plan);
  };
  const run = async () => {
    const answer = await start.start();
    if (!answer?.run) return;
    onClose();
    navigate(paths.run(answer.run.number));
  };
  const parameters = Object.entries(given(values)).map(
    ([name, value]) => ` -p ${shellWord(`${name}=${value}`)}`,
  );
  return (
    <Dialog title={`Run ${script.name}, version ${script.version}`} wide onClose={onClose}>
      <form className="stack" onSubmit={showPlan}>
        <TextField
          label="On which servers"
          value={on}
          onChange={(text) => {
            setOn(text);
            setPlan(undefined);
          }}
          placeholder={'env="prod",role="web"   or   name="web-1"'}
          hint="Label matchers over the servers' labels and name. Empty selects nothing."
          error={dry.fieldError("on")}
          autoFocus
          mono
        />
        <Targets on={on} />
        <ParameterValues
          parameters={script.parameters}
          values={values}
          onChange={(next) => {
            setValues(next);
            setPlan(undefined);
          }}
        />
        {dry.error !== undefined && <ErrorNotice error={dry.error} title="It cannot run like this" />}
        {plan && <Plan plan={plan} />}
        {start.error !== undefined && <ErrorNotice error={start.error} title="Could not start" />}
        <div className="form-actions">
          {plan ? (
            <Button
              kind="primary"
              icon="run"
              needs="operate"
              busy={start.busy}
              disabled={plan.servers.length === 0}
              onClick={() => void run()}
            >
              Run on {plan.servers.length} {plan.servers.length === 1 ? "server" : "servers"}
            </Button>
          ) : (
            <Button type="submit" kind="primary" needs="operate" busy={dry.busy} disabled={!on.trim()}>
              Show the plan
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
        </div>
        <Cli
          command={`watchtower script run ${shellWord(script.name)} --on ${shellWord(on)}${parameters.join("")}`}
        />
      </form>
    </Dialog>
  );
}

function firstValues(script: Script): Record<string, string> {
  return Object.fromEntries(script.parameters.map((parameter) => [parameter.name, parameter.default ?? ""]));
}

/** Only what was filled in: an empty value means the default. */
function given(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}

function Targets({ on }: { on: string }) {
  const settled = useSettled(on, 250);
  const matching = useQuery(queries.serverCount(settled));
  if (settled.trim() === "") return <p className="meta">No server is selected yet.</p>;
  if (matching.error) return <p className="error">{problemOf(matching.error).detail}</p>;
  if (!matching.data) return <p className="meta">Looking…</p>;
  const { items, next } = matching.data;
  return (
    <p className="meta" aria-live="polite">
      Matches {items.length}
      {next ? "+" : ""} {items.length === 1 ? "server" : "servers"}
      {items.length > 0 && ": "}
      {items
        .slice(0, NAMES_SHOWN_MAX)
        .map((server) => server.name)
        .join(", ")}
      {items.length > NAMES_SHOWN_MAX && "…"}
    </p>
  );
}

function Plan({ plan }: { plan: Schemas["RunPlan"] }) {
  const environment = Object.entries(plan.environment);
  return (
    <section className="stack tight" aria-label="The plan">
      <h3>The plan</h3>
      <p>
        <strong>
          {plan.servers.length} {plan.servers.length === 1 ? "server" : "servers"}
        </strong>
        : {plan.servers.slice(0, NAMES_SHOWN_MAX).join(", ") || "none can run it"}
        {plan.servers.length > NAMES_SHOWN_MAX && ` and ${plan.servers.length - NAMES_SHOWN_MAX} more`}
      </p>
      {plan.unavailable.length > 0 && (
        <div className="notice tone-warn">
          <strong>{plan.unavailable.length} match but cannot run it now</strong>
          <ul>
            {plan.unavailable.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      {environment.length > 0 && (
        <p className="mono">{environment.map(([name, value]) => `${name}=${value}`).join("  ")}</p>
      )}
      <pre className="code-block" tabIndex={0}>
        {plan.body}
      </pre>
    </section>
  );
}
