// One rule: new, or stored with what it says now.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import type { Rule } from "@/api/types";
import { shellWord } from "@/lib/shell";
import { formatCount } from "@/lib/units";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { LabelChips } from "@/ui/Labels";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import { draftOf, newDraft } from "./draft";
import { RuleForm } from "./RuleForm";

const PARENTS = [{ label: "Rules", href: paths.rules }];

export function RulePage({ params }: { params: { id: string } }) {
  if (params.id === "new") {
    return (
      <Page title="New rule" parents={PARENTS} cli="watchtower rule apply -f rule.yaml">
        <RuleForm initial={newDraft()} />
      </Page>
    );
  }
  return <Stored id={params.id} />;
}

function Stored({ id }: { id: string }) {
  const rule = useQuery(queries.rule(id));
  return (
    <Page
      title={rule.data?.name ?? "Rule"}
      parents={PARENTS}
      cli={`watchtower rule get ${shellWord(rule.data?.name ?? id)}`}
    >
      <Loaded query={rule} lines={10}>
        {(data) => (
          <>
            {data.last_error && (
              <div className="notice tone-warn" role="status">
                <strong>It cannot be evaluated</strong>
                <span className="mono">{data.last_error}</span>
              </div>
            )}
            <RuleForm key={`${data.id} ${data.version}`} initial={draftOf(data)} rule={data} />
            {data.kind !== "recording" && <Now rule={data} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Now({ rule }: { rule: Rule }) {
  return (
    <Panel
      flush
      title="Now"
      actions={
        <span className="meta">
          evaluated <Ago at={rule.last_evaluated_at} /> ·{" "}
          <Link href={paths.automations}>{rule.automations.length} automations</Link>
        </span>
      }
    >
      {rule.instances.length === 0 ? (
        <Empty title={rule.enabled ? "It holds for no server now" : "The rule is off"} />
      ) : (
        <ul>
          {rule.instances.map((instance) => (
            <li key={JSON.stringify(instance.labels)} className="list-row row">
              <Badge tone={instance.state === "firing" ? "crit" : "warn"}>{instance.state}</Badge>
              <LabelChips labels={instance.labels} max={8} />
              <span className="meta">
                since <Ago at={instance.since_at} />
                {instance.value != null && <> · value {formatCount(instance.value)}</>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
