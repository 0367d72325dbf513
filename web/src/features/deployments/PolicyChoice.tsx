// What the server will let the hub do, and what a thief of the hub could do with it.
import type { AgentPolicy } from "@/api/types";

const POLICIES: { value: AgentPolicy; label: string; about: string }[] = [
  {
    value: "monitor",
    label: "Watch only",
    about: "Nothing can be run. Whoever steals the hub sees this server's numbers, and no more.",
  },
  {
    value: "allowlist",
    label: "Approved scripts only",
    about:
      "Runs scripts that one of your approvers signed. Whoever steals the hub can only start those again, at the wrong time.",
  },
  {
    value: "full",
    label: "Everything",
    about: "Runs whatever the hub asks for. Whoever steals the hub is root on this server.",
  },
];

export function PolicyChoice({
  value,
  onChange,
}: {
  value: AgentPolicy;
  onChange: (value: AgentPolicy) => void;
}) {
  return (
    <fieldset className="choices">
      <legend>What may the hub do on these servers?</legend>
      {POLICIES.map((policy) => (
        <label key={policy.value} className="choice">
          <input
            type="radio"
            name="policy"
            value={policy.value}
            checked={value === policy.value}
            onChange={() => onChange(policy.value)}
          />
          <span>
            <strong>{policy.label}</strong> <code>{policy.value}</code>
            <span className="choice-about">{policy.about}</span>
          </span>
        </label>
      ))}
      <p className="meta">
        A server that has a policy keeps it. Only root on the server itself can widen it later.
      </p>
    </fieldset>
  );
}
