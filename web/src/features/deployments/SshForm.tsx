// Over SSH: which hosts, how to sign in, what the hub may do there; a plan first if one likes, then the work.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { AgentPolicy } from "@/api/types";
import { useSettled } from "@/lib/hooks";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { AreaField, CheckField } from "@/ui/Field";
import { ErrorNotice, Panel } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { AccessFields } from "./AccessFields";
import { type Draft, EMPTY, missing, sendsPassword, toAccess } from "./access";
import { ACTIONS, actionOf } from "./actions";
import { BatchView } from "./BatchView";
import { Fingerprints, type Shown, vouched } from "./Fingerprints";
import { PolicyChoice } from "./PolicyChoice";
import { Targets } from "./Targets";

const SETTLE_MS = 300;

export function SshForm() {
  const action = actionOf(useUrlState("do", "install")[0]);
  const [asked] = useUrlState("hosts");
  const [text, setText] = useState(asked);
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [policy, setPolicy] = useState<AgentPolicy>("full");
  const [takeover, setTakeover] = useState(false);
  const [removeServer, setRemoveServer] = useState(true);
  const [shown, setShown] = useState<Shown[]>();
  const [plan, setPlan] = useState<string>();
  const [complaint, setComplaint] = useState<string>();
  const [, navigate] = useLocation();
  const read = useQuery(queries.targets(useSettled(text, SETTLE_MS)));
  const targets = text.trim() === "" ? [] : (read.data?.items ?? []);
  const ssh = toAccess(draft);
  const begin = useAction(
    async (dryRun: boolean) => {
      const how = {
        policy,
        takeover,
        dry_run: dryRun,
        remove_server: action === "uninstall" && removeServer,
      };
      const body = { action, targets, ssh, ...how };
      return api.post("/deployments", { body });
    },
    { changes: ["deployment"] },
  );
  const start = async (dryRun: boolean) => {
    const unconfirmed =
      sendsPassword(draft) && !vouched(shown)
        ? "Look at the host keys and confirm them first: a password is not sent to a host nobody vouched for."
        : undefined;
    const problem = targets.length === 0 ? "Name at least one host." : (missing(draft) ?? unconfirmed);
    setComplaint(problem);
    if (problem) return;
    const made = await begin.start(dryRun);
    const batch = made?.items[0]?.batch_id;
    if (batch && dryRun) setPlan(batch);
    else if (batch) navigate(paths.deploy(batch));
  };
  const count = targets.length === 1 ? "1 server" : `${targets.length} servers`;
  const { verb, bare, danger } = ACTIONS[action];
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void start(false);
      }}
    >
      <Panel title="Which servers?">
        <div className="form">
          <AreaField
            label="Hosts"
            value={text}
            onChange={(next) => {
              setText(next);
              setShown(undefined);
            }}
            placeholder={"web-1.example\nops@10.0.0.[11..18]:2222"}
            rows={3}
            hint="One or many: names, addresses, ranges such as web-[01..20]; or paste CSV, an ssh config, or an Ansible inventory."
            error={begin.fieldError("targets")}
            mono
          />
          <Targets read={read} />
        </div>
      </Panel>
      <Panel title="How does the hub sign in?">
        <div className="form">
          <AccessFields draft={draft} onChange={setDraft} />
        </div>
      </Panel>
      <Panel title={sendsPassword(draft) ? "Are these the right hosts?" : "Host keys"}>
        <div className="form">
          {!sendsPassword(draft) && (
            <p className="dim">
              A new host's key is remembered and must be the same from then on. You may compare it first.
            </p>
          )}
          <Fingerprints targets={targets} ssh={ssh} shown={shown} onShown={setShown} />
        </div>
      </Panel>
      {action === "uninstall" && (
        <Panel>
          <CheckField
            label="Remove the servers from the hub as well"
            hint="with their samples; their incidents stay."
            checked={removeServer}
            onChange={setRemoveServer}
          />
        </Panel>
      )}
      {action === "install" && (
        <Panel>
          <div className="form">
            <PolicyChoice value={policy} onChange={setPolicy} />
            <CheckField
              label="Take over servers of another hub"
              hint="otherwise they are left alone."
              checked={takeover}
              onChange={setTakeover}
            />
          </div>
        </Panel>
      )}
      {complaint && (
        <div className="notice tone-warn" role="alert">
          {complaint}
        </div>
      )}
      {begin.error !== undefined && <ErrorNotice error={begin.error} title="Could not start" />}
      <div className="form-actions">
        <Button type="submit" kind={danger ? "danger primary" : "primary"} needs="operate" busy={begin.busy}>
          {targets.length > 0 ? `${verb} ${count}` : bare}
        </Button>
        <Button needs="operate" busy={begin.busy} onClick={() => void start(true)}>
          Show the plan
        </Button>
      </div>
      {plan && <BatchView batch={plan} />}
    </form>
  );
}
