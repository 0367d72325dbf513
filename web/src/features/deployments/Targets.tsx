// The hosts, as they were read from what was pasted: checked before anything is connected to.
import type { UseQueryResult } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import type { DeploymentTarget } from "@/api/types";
import { LabelChips } from "@/ui/Labels";
import { ErrorNotice } from "@/ui/Panel";

const SHOWN_MAX = 12;
const FORMATS: Record<Schemas["TargetFormat"], string> = {
  auto: "a list",
  list: "a list",
  csv: "CSV",
  ssh_config: "an ssh config",
  ansible: "an Ansible inventory",
};

export function describeTarget({ host, user, port }: DeploymentTarget): string {
  return `${user ? `${user}@` : ""}${host}${port ? `:${port}` : ""}`;
}

export function Targets({ read }: { read: UseQueryResult<Schemas["ParsedTargets"]> }) {
  if (read.error) return <ErrorNotice error={read.error} title="Could not read the hosts" />;
  if (!read.data) return null;
  const { items, problems, format } = read.data;
  const rest = items.length - SHOWN_MAX;
  return (
    <div className="stack tight" role="status" data-testid="targets">
      <span className="meta">
        {items.length === 1 ? "1 host" : `${items.length} hosts`}, read as {FORMATS[format]}
      </span>
      <ul className="targets">
        {items.slice(0, SHOWN_MAX).map((target) => (
          <li key={`${target.server ?? ""} ${describeTarget(target)}`}>
            <span className="mono">{describeTarget(target)}</span>
            {target.server && target.server !== target.host && (
              <span className="meta"> as {target.server}</span>
            )}
            {target.labels && <LabelChips labels={target.labels} />}
          </li>
        ))}
        {rest > 0 && <li className="meta">and {rest} more</li>}
      </ul>
      {problems.map((problem) => (
        <span key={problem} className="tone-crit problem">
          {problem}
        </span>
      ))}
    </div>
  );
}
