// The way to a run, whatever it runs: servers by selector with a live count, how it goes over them, the plan first, then the start.
import { type FormEvent, type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import type { Schemas } from "@/api/client";
import { shellWord } from "@/lib/shell";
import { paths } from "@/paths";
import { Button } from "./Button";
import { Cli } from "./Copy";
import { Dialog } from "./Dialog";
import { CheckField, TextField } from "./Field";
import { ErrorNotice } from "./Panel";
import { ROLLOUT, type RolloutDraft, RolloutFields, rolloutDraft, rolloutOf } from "./RolloutFields";
import { Targets } from "./Targets";
import { useAction } from "./useAction";

const NAMES_SHOWN_MAX = 12;

/** What every start says beside what it runs. */
export interface Extent {
  on: string;
  rollout?: Schemas["Rollout"];
  needs_approval?: boolean;
  dry_run?: boolean;
}

interface Props {
  title: string;
  /** Stands for what is run: a plan of something else is no plan any more. */
  what: string;
  ready: boolean;
  /** The servers to begin with. */
  on?: string;
  start: (extent: Extent) => Promise<Schemas["RunStarted"]>;
  /** The command up to the flags that say where and how, and what follows them. */
  cli: [before: string, after: string];
  /** It waits for somebody else whatever is chosen here. */
  alwaysApproved?: boolean;
  onClose: () => void;
  children?: ReactNode;
}

interface Choice extends RolloutDraft {
  on: string;
  approval: boolean;
}

const NOTHING: Choice = { ...rolloutDraft(undefined), on: "", approval: false };

function extentOf(choice: Choice): Extent {
  const extent: Extent = { on: choice.on };
  const rollout = rolloutOf(choice);
  if (rollout) extent.rollout = rollout;
  if (choice.approval) extent.needs_approval = true;
  return extent;
}

function flagsOf(choice: Choice): string {
  const flags = ROLLOUT.filter((name) => choice[name].trim() !== "").map(
    (name) => ` --${name.replace("_", "-")} ${shellWord(choice[name].trim())}`,
  );
  return `--on ${shellWord(choice.on)}${flags.join("")}${choice.approval ? " --approval" : ""}`;
}

export function RunStart({
  title,
  what,
  ready,
  on = "",
  start,
  cli,
  alwaysApproved,
  onClose,
  children,
}: Props) {
  const [choice, setChoice] = useState<Choice>({ ...NOTHING, on });
  const [planned, setPlanned] = useState<{ of: string; plan: Schemas["RunPlan"] }>();
  const [, navigate] = useLocation();
  const set = (change: Partial<Choice>) => setChoice((now) => ({ ...now, ...change }));
  const extent = extentOf(choice);
  const of = JSON.stringify([what, extent]);
  const plan = planned?.of === of ? planned.plan : undefined;
  const dry = useAction(() => start({ ...extent, dry_run: true }), { changes: [] });
  const real = useAction(() => start(extent), { changes: ["run"] });
  const showPlan = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await dry.start();
    if (answer) setPlanned({ of, plan: answer.plan });
  };
  const run = async () => {
    const answer = await real.start();
    if (!answer?.run) return;
    onClose();
    navigate(paths.run(answer.run.number));
  };
  const waits = alwaysApproved || choice.approval;
  return (
    <Dialog title={title} wide onClose={onClose}>
      <form className="stack" onSubmit={showPlan}>
        {children}
        <TextField
          label="On which servers"
          value={choice.on}
          onChange={(on) => set({ on })}
          placeholder={'env="prod",role="web"   or   name="web-1"'}
          hint="Label matchers over the servers' labels and name. Empty selects nothing."
          error={dry.fieldError("on")}
          autoFocus={!children}
          mono
        />
        <Targets on={choice.on} />
        <Turns choice={choice} set={set} fieldError={dry.fieldError} alwaysApproved={alwaysApproved} />
        {dry.error !== undefined && <ErrorNotice error={dry.error} title="It cannot run like this" />}
        {plan && <Plan plan={plan} />}
        {real.error !== undefined && <ErrorNotice error={real.error} title="Could not start" />}
        <div className="form-actions">
          {plan ? (
            <Button
              kind="primary"
              icon="run"
              needs="operate"
              busy={real.busy}
              disabled={plan.servers.length === 0}
              onClick={() => void run()}
            >
              {waits ? "Ask for approval to run on" : "Run on"} {plan.servers.length}{" "}
              {plan.servers.length === 1 ? "server" : "servers"}
            </Button>
          ) : (
            <Button
              type="submit"
              kind="primary"
              needs="operate"
              busy={dry.busy}
              disabled={!choice.on.trim() || !ready}
            >
              Show the plan
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
        </div>
        <Cli command={`${cli[0]} ${flagsOf(choice)}${cli[1]}`} />
      </form>
    </Dialog>
  );
}

interface TurnsProps {
  choice: Choice;
  set: (change: Partial<Choice>) => void;
  fieldError: (field: string) => string | undefined;
  alwaysApproved?: boolean;
}

function Turns({ choice, set, fieldError, alwaysApproved }: TurnsProps) {
  return (
    <details className="more">
      <summary>Not all at once, or not without approval</summary>
      <div className="stack">
        <RolloutFields draft={choice} set={set} fieldError={fieldError} />
        {alwaysApproved ? (
          <p className="meta">This script starts only when another person approves the run.</p>
        ) : (
          <CheckField
            label="Start only when another person approves it"
            checked={choice.approval}
            onChange={(approval) => set({ approval })}
          />
        )}
      </div>
    </details>
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
