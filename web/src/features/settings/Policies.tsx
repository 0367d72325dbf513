// Escalation policies as sentences: who is paged, and who when nobody answers.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Policy, PolicyStep } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { Button } from "@/ui/Button";
import { DeleteButton, EditDialog } from "@/ui/EditDialog";
import { CheckField, TextField } from "@/ui/Field";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { askedWords } from "./asked";

type Target = PolicyStep["targets"][number];
interface Option {
  target: Target;
  label: string;
}

const DELAY_SECONDS = 300;
const keyOf = (target: Target) => `${target.kind}:${target.id}`;

function useTargets(): Option[] {
  const users = useQuery(queries.users());
  const teams = useQuery(queries.teams());
  const schedules = useQuery(queries.schedules());
  const channels = useQuery(queries.channels());
  const options = (kind: Target["kind"], items: { id: string; name: string }[] | undefined): Option[] =>
    (items ?? []).map(({ id, name }) => ({
      target: { kind, id },
      label: kind === "user" ? name : kind === "schedule" ? `on call for ${name}` : `${kind} ${name}`,
    }));
  return [
    ...options("schedule", schedules.data?.items),
    ...options("team", teams.data?.items),
    ...options("user", users.data?.items),
    ...options("channel", channels.data?.items),
  ];
}

export function Policies() {
  const policies = useQuery(queries.policies());
  const options = useTargets();
  const [editing, setEditing] = useState<Policy | "new">();
  const names = (step: PolicyStep) =>
    askedWords(
      step.targets.map(
        (target) =>
          options.find((option) => keyOf(option.target) === keyOf(target))?.label ?? "somebody unknown",
      ),
      step.strategy,
    );
  return (
    <Panel
      flush
      title="Escalation policies"
      actions={
        <Button small icon="plus" needs="operate" onClick={() => setEditing("new")}>
          New policy
        </Button>
      }
    >
      <Loaded query={policies}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No policies">A policy says who is paged, and who when nobody answers.</Empty>
          ) : (
            <ul>
              {items.map((policy) => (
                <li key={policy.id} className="list-row stack tight">
                  <div className="row">
                    <strong className="grow">{policy.name}</strong>
                    <Button
                      small
                      needs="operate"
                      aria-label={`Edit ${policy.name}`}
                      onClick={() => setEditing(policy)}
                    >
                      Edit
                    </Button>
                    <DeleteButton
                      what={policy.name}
                      consequence="Services that use it must use another first."
                      needs="operate"
                      changes={["policy"]}
                      run={() => api.delete("/policies/{policy}", { path: { policy: policy.id } })}
                    />
                  </div>
                  <ol className="dim">
                    {policy.steps.map((step, index) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: steps are known by their place alone
                      <li key={index}>
                        {index === 0 ? "At once" : `After ${writeSeconds(before(policy.steps, index))}`}: page{" "}
                        {names(step)}
                      </li>
                    ))}
                    <li>
                      {policy.repeat > 0 ? `Then again from the start, ${policy.repeat} times; ` : ""}nobody
                      answered: the catch-all channel
                    </li>
                  </ol>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {editing && (
        <PolicyDialog
          policy={editing === "new" ? undefined : editing}
          options={options}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Panel>
  );
}

/** Seconds from the trigger to a step. */
function before(steps: readonly PolicyStep[], index: number): number {
  return steps.slice(0, index).reduce((sum, step) => sum + step.delay_seconds, 0);
}

interface StepDraft {
  delay: string;
  targets: Target[];
  byTurns: boolean;
}

interface DialogProps {
  policy?: Policy;
  options: Option[];
  onClose: () => void;
}

function PolicyDialog({ policy, options, onClose }: DialogProps) {
  const [name, setName] = useState(policy?.name ?? "");
  const [repeat, setRepeat] = useState(String(policy?.repeat ?? 0));
  const [steps, setSteps] = useState<StepDraft[]>(
    () =>
      policy?.steps.map((step) => ({
        delay: writeSeconds(step.delay_seconds),
        targets: step.targets,
        byTurns: step.strategy === "round_robin",
      })) ?? [{ delay: writeSeconds(DELAY_SECONDS), targets: [], byTurns: false }],
  );
  const change = (index: number, part: Partial<StepDraft>) =>
    setSteps(steps.map((step, at) => (at === index ? { ...step, ...part } : step)));
  const missing = !name.trim()
    ? "Enter a name."
    : steps.some((step) => step.targets.length === 0)
      ? "Choose somebody in every step."
      : steps.some((step) => parseSeconds(step.delay) === undefined)
        ? "Write times as 5m or 90s."
        : /^\d+$/.test(repeat)
          ? undefined
          : "Enter how often to repeat as a number.";
  const body = {
    name: name.trim(),
    repeat: Number(repeat),
    steps: steps.map((step) => ({
      delay_seconds: parseSeconds(step.delay) ?? 0,
      targets: step.targets,
      strategy: step.byTurns ? ("round_robin" as const) : ("all" as const),
    })),
  };
  return (
    <EditDialog
      title={policy ? `Edit ${policy.name}` : "New policy"}
      missing={missing}
      needs="operate"
      changes={["policy"]}
      save={() =>
        policy
          ? api.put("/policies/{policy}", { path: { policy: policy.id }, body })
          : api.post("/policies", { body })
      }
      onClose={onClose}
    >
      <TextField label="Name" value={name} onChange={setName} />
      {steps.map((step, index) => (
        <StepFields
          // biome-ignore lint/suspicious/noArrayIndexKey: steps are known by their place alone
          key={index}
          index={index}
          step={step}
          options={options}
          onChange={(part) => change(index, part)}
          onRemove={steps.length > 1 ? () => setSteps(steps.filter((_, at) => at !== index)) : undefined}
        />
      ))}
      <div>
        <Button
          small
          icon="plus"
          onClick={() =>
            setSteps([...steps, { delay: writeSeconds(DELAY_SECONDS), targets: [], byTurns: false }])
          }
        >
          Add a step
        </Button>
      </div>
      <TextField
        label="Repeat, when nobody answered"
        value={repeat}
        onChange={setRepeat}
        inputMode="numeric"
      />
    </EditDialog>
  );
}

interface StepProps {
  index: number;
  step: StepDraft;
  options: Option[];
  onChange: (part: Partial<StepDraft>) => void;
  onRemove?: () => void;
}

function StepFields({ index, step, options, onChange, onRemove }: StepProps) {
  const chosen = new Set(step.targets.map(keyOf));
  const toggle = (target: Target) =>
    onChange({
      targets: chosen.has(keyOf(target))
        ? step.targets.filter((one) => keyOf(one) !== keyOf(target))
        : [...step.targets, target],
    });
  return (
    <fieldset className="parameter-box stack tight">
      <legend className="label">Step {index + 1}: page</legend>
      <div className="row">
        {options.map(({ target, label }) => (
          <button
            key={keyOf(target)}
            type="button"
            className="chip"
            aria-pressed={chosen.has(keyOf(target))}
            onClick={() => toggle(target)}
          >
            {label}
          </button>
        ))}
        {options.length === 0 && (
          <span className="meta">There are no schedules, teams, users or channels yet.</span>
        )}
      </div>
      {(step.targets.length > 1 || step.byTurns) && (
        <CheckField
          label="One of them, by turns"
          hint="Another one for each incident."
          checked={step.byTurns}
          onChange={(byTurns) => onChange({ byTurns })}
        />
      )}
      <div className="row">
        <TextField label="Wait for an answer" value={step.delay} onChange={(delay) => onChange({ delay })} />
        {onRemove && (
          <Button kind="quiet" icon="trash" aria-label={`Remove step ${index + 1}`} onClick={onRemove} />
        )}
      </div>
    </fieldset>
  );
}
