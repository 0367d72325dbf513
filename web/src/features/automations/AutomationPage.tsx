// One automation: what it does as a sentence, when it is due, what became of it, and the switches.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Automation } from "@/api/types";
import { shellWord } from "@/lib/shell";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Empty, ErrorNotice, Loaded, Panel } from "@/ui/Panel";
import { describeRollout } from "@/ui/RolloutFields";
import { Times } from "@/ui/Times";
import { useAction } from "@/ui/useAction";
import { Attempts } from "./Attempts";
import { AutomationDialog } from "./AutomationDialog";
import { Mode } from "./AutomationsPage";
import { FireDialog } from "./FireDialog";
import { Firings } from "./Firings";
import { Switches } from "./Switches";
import { effectWords, limitWords, triggerWords } from "./sentence";

const PARENTS = [
  { label: "Scripts", href: paths.scripts },
  { label: "Automations", href: paths.automations },
];

export function AutomationPage({ params }: { params: { id: string } }) {
  const automation = useQuery(queries.automation(params.id));
  const { data } = automation;
  return (
    <Page
      title={data?.name ?? "Automation"}
      heading={
        <div className="row" style={{ flex: "1 1 auto" }}>
          <h1>{data?.name ?? "Automation"}</h1>
          {data && <Mode automation={data} />}
        </div>
      }
      parents={PARENTS}
      cli={`watchtower automation get ${shellWord(data?.name ?? params.id)}`}
      actions={data && <Actions automation={data} />}
    >
      <Loaded query={automation} lines={8}>
        {(loaded) => (
          <>
            {loaded.breaker_open && <Stopped automation={loaded} />}
            <div className="columns">
              <div className="stack">
                <Sentence automation={loaded} />
                <Panel flush title="What became of it">
                  {loaded.trigger.cron ? (
                    <Firings firings={loaded.firings ?? []} />
                  ) : (
                    <Attempts attempts={loaded.attempts} />
                  )}
                </Panel>
              </div>
              <div className="stack">
                {loaded.trigger.cron && <Next automation={loaded} />}
                <Switches automation={loaded} />
              </div>
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Sentence({ automation }: { automation: Automation }) {
  const rules = useQuery(queries.rules());
  const rule = rules.data?.items.find((one) => one.id === automation.trigger.rule_id);
  const byClock = automation.trigger.cron != null;
  const words = triggerWords(automation, rule?.name);
  const parameters = Object.entries(automation.parameters);
  return (
    <Panel title="What it does">
      <div className="stack tight">
        <p>
          {byClock ? (
            <strong>{words.charAt(0).toUpperCase() + words.slice(1)}</strong>
          ) : (
            <>
              On <strong>{words}</strong>
            </>
          )}
          , the script <Link href={paths.script(automation.script_id)}>{automation.script}</Link>{" "}
          {effectWords(automation)} {byClock ? "on the servers that match" : "on the alert's server"}
          {byClock && (
            <>
              {" "}
              <span className="mono">{automation.on}</span>
            </>
          )}
          {automation.rollout && <>, {describeRollout(automation.rollout)}</>}.
        </p>
        {limitWords(automation).map((sentence) => (
          <p key={sentence} className="dim">
            {sentence}
          </p>
        ))}
        {byClock && <p className="mono meta">{automation.trigger.cron}</p>}
        {parameters.length > 0 && (
          <p className="mono">{parameters.map(([name, value]) => `${name}=${value}`).join("  ")}</p>
        )}
        <p className="meta">
          Made by {automation.created_by} <Ago at={automation.created_at} />
        </p>
      </div>
    </Panel>
  );
}

function Next({ automation }: { automation: Automation }) {
  const next = automation.next ?? [];
  return (
    <Panel flush title="Next">
      {next.length > 0 ? (
        <Times times={next} zone={automation.trigger.timezone ?? "UTC"} />
      ) : (
        <Empty title={automation.enabled ? "It does not fire again" : "It is off"} />
      )}
    </Panel>
  );
}

function Stopped({ automation }: { automation: Automation }) {
  const path = { automation: automation.id };
  const close = useAction(() => api.post("/automations/{automation}/close-breaker", { path }), {
    changes: ["automation"],
    done: "It may act again",
  });
  return (
    <div className="notice tone-crit" role="status">
      <div className="row">
        <strong>Stopped after three failures in a row</strong>
        <Button small needs="admin" busy={close.busy} onClick={() => void close.start()}>
          Let it act again
        </Button>
      </div>
      <span>An hour after the last one, one attempt is allowed if a person approves it.</span>
      {close.error !== undefined && <ErrorNotice error={close.error} title="Could not close the breaker" />}
    </div>
  );
}

function Actions({ automation }: { automation: Automation }) {
  const [open, setOpen] = useState<"edit" | "delete" | "fire">();
  const [, navigate] = useLocation();
  const path = { automation: automation.id };
  const close = () => setOpen(undefined);
  return (
    <>
      <Button kind="danger" icon="trash" needs="admin" onClick={() => setOpen("delete")}>
        Delete
      </Button>
      <Button needs="admin" onClick={() => setOpen("edit")}>
        Edit
      </Button>
      {automation.trigger.cron && (
        <Button kind="primary" icon="run" needs="operate" onClick={() => setOpen("fire")}>
          Fire now
        </Button>
      )}
      {open === "edit" && <AutomationDialog automation={automation} onClose={close} />}
      {open === "delete" && (
        <Confirm
          title={`Delete ${automation.name}`}
          verb="Delete the automation"
          run={async () => {
            await api.delete("/automations/{automation}", { path });
            navigate(paths.automations);
          }}
          onClose={close}
        >
          <p>It no longer acts. Its runs stay in the history.</p>
        </Confirm>
      )}
      {open === "fire" && <FireDialog automation={automation} onClose={close} />}
    </>
  );
}
