// Automations: what is repaired by itself, each attempt with its gates, and what waits for a person.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Attempt, Automation } from "@/api/types";
import { formatSeconds } from "@/lib/units";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Empty, ErrorNotice, Loaded, Panel } from "@/ui/Panel";
import { attemptTone, Badge, Glyph, Status, words } from "@/ui/Status";
import { Tabs } from "@/ui/Tabs";
import { useAction } from "@/ui/useAction";
import { AutomationDialog } from "./AutomationDialog";
import { SCRIPT_TABS } from "./ScriptsPage";

export function AutomationsPage() {
  const automations = useQuery(queries.automations());
  const [editing, setEditing] = useState<Automation | "new">();
  return (
    <Page
      title="Automations"
      parents={[{ label: "Scripts", href: paths.scripts }]}
      cli="watchtower automation list"
      actions={
        <Button kind="primary" needs="admin" onClick={() => setEditing("new")}>
          New automation
        </Button>
      }
    >
      <Tabs tabs={SCRIPT_TABS} label="Scripts and automations" />
      <Loaded query={automations} lines={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Panel>
              <Empty title="No automations yet">
                An automation runs a script when a rule fires, checks that it helped, and pages a person when
                not.
              </Empty>
            </Panel>
          ) : (
            items.map((automation) => (
              <AutomationPanel
                key={automation.id}
                automation={automation}
                onEdit={() => setEditing(automation)}
              />
            ))
          )
        }
      </Loaded>
      {editing && (
        <AutomationDialog
          automation={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Page>
  );
}

function triggerText(automation: Automation, ruleName: string | undefined): string {
  const { rule_id, matchers } = automation.trigger;
  if (rule_id) return `alerts of ${ruleName ?? "a rule"}`;
  return matchers ? `alerts with ${matchers}` : "nothing";
}

function AutomationPanel({ automation, onEdit }: { automation: Automation; onEdit: () => void }) {
  const rules = useQuery(queries.rules());
  const rule = rules.data?.items.find((one) => one.id === automation.trigger.rule_id);
  const [removing, setRemoving] = useState(false);
  const path = { automation: automation.id };
  const close = useAction(() => api.post("/automations/{automation}/close-breaker", { path }), {
    changes: ["automation"],
    done: "It may act again",
  });
  return (
    <Panel
      flush
      title={automation.name}
      actions={
        <>
          <Badge tone={automation.enabled ? "ok" : "muted"}>
            {automation.enabled ? automation.mode : "off"}
          </Badge>
          <Button small needs="admin" aria-label={`Edit ${automation.name}`} onClick={onEdit}>
            Edit
          </Button>
          <Button
            small
            kind="danger"
            needs="admin"
            aria-label={`Delete ${automation.name}`}
            onClick={() => setRemoving(true)}
          >
            Delete
          </Button>
        </>
      }
    >
      <div className="pad stack tight">
        <p>
          On {triggerText(automation, rule?.name)}, runs{" "}
          <Link href={paths.script(automation.script_id)}>{automation.script}</Link>
          {automation.mode === "observe" && " (only noted, not run)"}
          {automation.mode === "approve" && " after a person approves"}. At most{" "}
          {automation.attempts_per_incident} times per incident, {formatSeconds(automation.cooldown_seconds)}{" "}
          apart.
        </p>
        {automation.breaker_open && (
          <div className="notice tone-crit" role="status">
            <div className="row">
              <strong>Stopped after three failures in a row</strong>
              <Button small needs="admin" busy={close.busy} onClick={() => void close.start()}>
                Let it act again
              </Button>
            </div>
          </div>
        )}
        {close.error !== undefined && <ErrorNotice error={close.error} title="Could not close the breaker" />}
      </div>
      {automation.attempts.length === 0 ? (
        <Empty title="It was not considered yet" />
      ) : (
        <ul>
          {automation.attempts.map((attempt) => (
            <AttemptRow key={attempt.id} attempt={attempt} />
          ))}
        </ul>
      )}
      {removing && (
        <Confirm
          title={`Delete ${automation.name}`}
          verb="Delete the automation"
          run={() => api.delete("/automations/{automation}", { path })}
          onClose={() => setRemoving(false)}
        >
          <p>It no longer acts. Its attempts and runs stay in the history.</p>
        </Confirm>
      )}
    </Panel>
  );
}

function AttemptRow({ attempt }: { attempt: Attempt }) {
  const path = { automation: attempt.automation_id, attempt: attempt.id };
  const approve = useAction(
    () => api.post("/automations/{automation}/attempts/{attempt}/approve", { path }),
    {
      changes: ["automation", "run"],
      done: "Approved",
    },
  );
  const deny = useAction(() => api.post("/automations/{automation}/attempts/{attempt}/deny", { path }), {
    changes: ["automation"],
    done: "Denied",
  });
  const failed = attempt.gates.filter((gate) => !gate.passed);
  return (
    <li className="list-row stack tight">
      <div className="row">
        <Status tone={attemptTone[attempt.state]}>{words(attempt.state)}</Status>
        <strong>{attempt.server}</strong>
        <span className="meta dots">
          <Ago at={attempt.created_at} />
          {attempt.incident_number != null && (
            <Link href={paths.incident(attempt.incident_number)}>INC-{attempt.incident_number}</Link>
          )}
          {attempt.run_number != null && (
            <Link href={paths.run(attempt.run_number)}>run {attempt.run_number}</Link>
          )}
        </span>
        {attempt.state === "awaiting_approval" && (
          <>
            <Button
              small
              kind="primary"
              needs="operate"
              busy={approve.busy}
              onClick={() => void approve.start()}
            >
              Approve
            </Button>
            <Button small needs="operate" busy={deny.busy} onClick={() => void deny.start()}>
              Deny
            </Button>
          </>
        )}
      </div>
      {attempt.reason && <p className="dim">{attempt.reason}</p>}
      {(approve.error ?? deny.error) !== undefined && (
        <ErrorNotice error={approve.error ?? deny.error} title="Not decided" />
      )}
      {attempt.gates.length > 0 && (
        <details>
          <summary className="meta">
            {failed.length > 0
              ? `Why not: ${failed.map((gate) => gate.name).join(", ")}`
              : `${attempt.gates.length} gates passed`}
          </summary>
          <ul className="stack tight pad">
            {attempt.gates.map((gate) => (
              <li key={gate.name}>
                <Glyph tone={gate.passed ? "ok" : "crit"} /> <strong>{gate.name}</strong> {gate.reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}
