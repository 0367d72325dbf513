// Automations: what starts by itself, how the last one ended, and when the next one comes.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { queries } from "@/api/queries";
import type { Automation } from "@/api/types";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { ScriptTabs } from "@/ui/ScriptTabs";
import { attemptTone, Badge, firingTone, Status, words } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { AutomationDialog } from "./AutomationDialog";
import { triggerWords } from "./sentence";

export function AutomationsPage() {
  const automations = useQuery(queries.automations());
  const [making, setMaking] = useState(false);
  const [, navigate] = useLocation();
  return (
    <Page
      title="Automations"
      parents={[{ label: "Scripts", href: paths.scripts }]}
      cli="watchtower automation list"
      actions={
        <Button kind="primary" needs="admin" onClick={() => setMaking(true)}>
          New automation
        </Button>
      }
    >
      <ScriptTabs />
      <Panel flush title="All automations">
        <Loaded query={automations} lines={6}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No automations yet">
                An automation runs a script when an alert fires, checks that it helped, and pages a person
                when not; or it runs one by the clock.
              </Empty>
            ) : (
              <Listed items={items} />
            )
          }
        </Loaded>
      </Panel>
      {making && (
        <AutomationDialog
          onSaved={(saved) => navigate(paths.automation(saved.id))}
          onClose={() => setMaking(false)}
        />
      )}
    </Page>
  );
}

function Listed({ items }: { items: Automation[] }) {
  const rules = useQuery(queries.rules());
  const nameOf = (automation: Automation) =>
    rules.data?.items.find((one) => one.id === automation.trigger.rule_id)?.name;
  return (
    <Table
      label="Automations"
      rows={items}
      columns={columnsOf((automation) => triggerWords(automation, nameOf(automation)))}
      rowKey={(automation) => automation.id}
      href={(automation) => paths.automation(automation.id)}
      sortBy="name"
    />
  );
}

function columnsOf(trigger: (automation: Automation) => string): Column<Automation>[] {
  return [
    {
      key: "name",
      head: "Automation",
      main: true,
      cell: (automation) => (
        <>
          <Link href={paths.automation(automation.id)}>{automation.name}</Link>
          <div className="sub">{trigger(automation)}</div>
        </>
      ),
      sort: (automation) => automation.name,
    },
    {
      key: "script",
      head: "Script",
      low: true,
      cell: (automation) => <Link href={paths.script(automation.script_id)}>{automation.script}</Link>,
      sort: (automation) => automation.script,
    },
    { key: "mode", head: "Mode", cell: (automation) => <Mode automation={automation} /> },
    { key: "last", head: "Last", cell: (automation) => <Last automation={automation} /> },
    {
      key: "next",
      head: "Next",
      low: true,
      cell: (automation) => (automation.next?.[0] ? <Ago at={automation.next[0].at} /> : <None />),
      sort: (automation) => (automation.next?.[0] ? Date.parse(automation.next[0].at) : null),
    },
  ];
}

const None = () => <span className="meta">–</span>;

/** How far it goes by itself, or why it does nothing. */
export function Mode({ automation }: { automation: Automation }) {
  if (!automation.enabled) return <Badge tone="muted">off</Badge>;
  if (automation.breaker_open) return <Badge tone="crit">stopped</Badge>;
  return <Badge tone={automation.mode === "auto" ? "ok" : "unknown"}>{automation.mode}</Badge>;
}

function Last({ automation }: { automation: Automation }) {
  const firing = automation.firings?.[0];
  if (firing) {
    return (
      <>
        <Status tone={firingTone[firing.state]}>{words(firing.state)}</Status>
        <div className="sub">
          <Ago at={firing.due_at} />
        </div>
      </>
    );
  }
  const attempt = automation.attempts[0];
  if (!attempt) return <None />;
  return (
    <>
      <Status tone={attemptTone[attempt.state]}>{words(attempt.state)}</Status>
      <div className="sub">
        {attempt.server}, <Ago at={attempt.created_at} />
      </div>
    </>
  );
}
