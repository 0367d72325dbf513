// How pages reach somebody: which channel, how long after, for which urgency.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { NotifyRule, User } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { Button } from "@/ui/Button";
import { EditDialog } from "@/ui/EditDialog";
import { CheckField, type Choice, SelectField, TextField } from "@/ui/Field";
import { ThisBrowser } from "./ThisBrowser";

type Urgency = "any" | "high" | "low";
interface RuleDraft {
  key: number;
  urgency: Urgency;
  delay: string;
  channel: string;
  toCompletion: boolean;
}

const URGENCIES: readonly Choice<Urgency>[] = [
  { value: "high", label: "high" },
  { value: "low", label: "low" },
  { value: "any", label: "either" },
];

let keys = 0;
const draftOf = (rule: NotifyRule): RuleDraft => ({
  key: keys++,
  urgency: rule.urgency ?? "any",
  delay: writeSeconds(rule.delay_seconds ?? 0),
  channel: rule.channel_id,
  toCompletion: rule.run_to_completion ?? false,
});

const ruleOf = ({ urgency, delay, channel, toCompletion }: RuleDraft): NotifyRule => ({
  ...(urgency !== "any" && { urgency }),
  delay_seconds: parseSeconds(delay) ?? 0,
  channel_id: channel,
  ...(toCompletion && { run_to_completion: true }),
});

interface Props {
  user: User;
  own: boolean;
  onClose: () => void;
}

export function NotifyDialog({ user, own, onClose }: Props) {
  const channels = useQuery(queries.channels());
  const [rules, setRules] = useState(() => user.notify_rules.map(draftOf));
  const nameOf = (id: string) =>
    channels.data?.items.find((channel) => channel.id === id)?.name ?? "a removed channel";
  const choices = user.channels.map((id) => ({ value: id, label: nameOf(id) }));
  const change = (key: number, part: Partial<RuleDraft>) =>
    setRules(rules.map((rule) => (rule.key === key ? { ...rule, ...part } : rule)));
  const wrong = rules.some((rule) => !Number.isInteger(parseSeconds(rule.delay)));
  const notify_rules = rules.map(ruleOf);
  return (
    <EditDialog
      title={`Notifications of ${user.name}`}
      missing={wrong ? "Write times as 5m or 90s." : undefined}
      needs={own ? undefined : "admin"}
      changes={["user", "me"]}
      save={() =>
        own
          ? api.put("/me/notify-rules", { body: { notify_rules } })
          : api.patch("/users/{user}", { path: { user: user.id }, body: { notify_rules } })
      }
      onClose={onClose}
    >
      <p>
        {rules.length === 0
          ? "Every page goes to all channels at once. Rules say which comes first, and which later if nobody answers."
          : "Times count from the beginning of the step. An acknowledgement, or the next step, ends what has not been sent, unless a rule goes on. A channel that fails gives way to the next at once."}
      </p>
      {own && <ThisBrowser user={user} />}
      {choices.length === 0 && (
        <p className="meta">No channel reaches this person yet: an administrator chooses them.</p>
      )}
      {rules.map((rule, index) => (
        <RuleFields
          key={rule.key}
          index={index}
          rule={rule}
          choices={choices}
          onChange={(part) => change(rule.key, part)}
          onRemove={() => setRules(rules.filter((one) => one.key !== rule.key))}
        />
      ))}
      <div>
        <Button
          small
          icon="plus"
          disabled={choices.length === 0}
          onClick={() => setRules([...rules, next(rules, user.channels)])}
        >
          Add a rule
        </Button>
      </div>
    </EditDialog>
  );
}

/** At once by the first channel, then five minutes later by one that is not used yet. */
function next(rules: readonly RuleDraft[], channels: readonly string[]): RuleDraft {
  const unused = channels.find((id) => rules.every((rule) => rule.channel !== id));
  return {
    key: keys++,
    urgency: "high",
    delay: writeSeconds(rules.length * 300),
    channel: unused ?? channels[0] ?? "",
    toCompletion: false,
  };
}

interface RuleProps {
  index: number;
  rule: RuleDraft;
  choices: readonly Choice<string>[];
  onChange: (part: Partial<RuleDraft>) => void;
  onRemove: () => void;
}

function RuleFields({ index, rule, choices, onChange, onRemove }: RuleProps) {
  return (
    <fieldset className="parameter-box stack tight">
      <legend className="label">Rule {index + 1}</legend>
      <div className="form-pair short">
        <SelectField
          label="Urgency"
          value={rule.urgency}
          choices={URGENCIES}
          onChange={(urgency) => onChange({ urgency })}
        />
        <TextField label="After" value={rule.delay} onChange={(delay) => onChange({ delay })} />
        <SelectField
          label="By"
          value={rule.channel}
          choices={choices}
          onChange={(channel) => onChange({ channel })}
        />
        <Button small kind="quiet" icon="trash" aria-label={`Remove rule ${index + 1}`} onClick={onRemove}>
          Remove
        </Button>
      </div>
      <CheckField
        label="Also when the next step has begun"
        checked={rule.toCompletion}
        onChange={(toCompletion) => onChange({ toCompletion })}
      />
    </fieldset>
  );
}
