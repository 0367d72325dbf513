// One run: each server with its state, exit code and output as it comes.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { api } from "@/api/client";
import { useTopic } from "@/api/live-hooks";
import { queries } from "@/api/queries";
import type { Run } from "@/api/types";
import { naturalCompare } from "@/lib/labels";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Ago, At } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { describeRollout } from "@/ui/RolloutFields";
import { executionTone, Glyph, runTone, Status } from "@/ui/Status";
import { Approval } from "./Approval";
import { Folded } from "./Folded";
import { OutputView } from "./OutputView";
import { describe } from "./output";

const PARENTS = [{ label: "Runs", href: paths.runs }];
const IN_PROGRESS = new Set(["queued", "awaiting_approval", "running"]);

export function RunPage({ params }: { params: { number: string } }) {
  const run = useQuery(queries.run(params.number));
  const client = useQueryClient();
  const [ticks, setTicks] = useState(0);
  const id = run.data?.id;
  const open = run.data !== undefined && IN_PROGRESS.has(run.data.state);
  useTopic(
    "run",
    id,
    () => {
      setTicks((now) => now + 1);
      void client.invalidateQueries({ queryKey: ["run", "one", params.number] });
    },
    () => setTicks((now) => now + 1),
    id !== undefined && open,
  );
  return (
    <Page
      title={`Run ${params.number}`}
      parents={PARENTS}
      heading={
        <div className="row" style={{ flex: "1 1 auto" }}>
          <h1>
            Run {params.number}
            {run.data && ` · ${run.data.name}`}
          </h1>
          {run.data && <Status tone={runTone[run.data.state]}>{run.data.state.replace("_", " ")}</Status>}
        </div>
      }
      actions={run.data && open && <Cancel run={run.data} />}
      cli={`watchtower run output ${params.number}`}
    >
      <Loaded query={run} lines={8}>
        {(data) => (
          <>
            {data.state === "awaiting_approval" && <Approval run={data} />}
            <Facts run={data} />
            <Results run={data} ticks={ticks} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Cancel({ run }: { run: Run }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button kind="danger" needs="operate" onClick={() => setAsking(true)}>
        Cancel the run
      </Button>
      {asking && (
        <Confirm
          title={`Cancel run ${run.number}`}
          verb="Cancel the run"
          run={() => api.post("/runs/{run}/cancel", { path: { run: run.id } })}
          onClose={() => setAsking(false)}
        >
          <p>What has not begun is not begun; what runs is stopped. What is done stays done.</p>
        </Confirm>
      )}
    </>
  );
}

function Facts({ run }: { run: Run }) {
  const parameters = Object.entries(run.parameters);
  return (
    <Panel>
      <dl className="facts">
        <div>
          <dt>Servers</dt>
          <dd>
            {run.succeeded} of {run.total} succeeded{run.failed > 0 && `, ${run.failed} failed`}
            {run.skipped > 0 && `, ${run.skipped} skipped`}
            {run.queued > 0 && `, ${run.queued} wait for their turn`}
          </dd>
        </div>
        <div>
          <dt>On</dt>
          <dd className="mono">{run.on}</dd>
        </div>
        <div>
          <dt>Started</dt>
          <dd>
            <At at={run.created_at} /> by {run.started_by}
          </dd>
        </div>
        <div>
          <dt>Finished</dt>
          <dd>{run.finished_at ? <Ago at={run.finished_at} /> : "not yet"}</dd>
        </div>
        {run.rollout && (
          <div>
            <dt>Goes over them</dt>
            <dd>{describeRollout(run.rollout)}</dd>
          </div>
        )}
        {run.approved_by && (
          <div>
            <dt>Approved by</dt>
            <dd>{run.approved_by}</dd>
          </div>
        )}
        {run.script_id && (
          <div>
            <dt>Script</dt>
            <dd>
              <Link href={`${paths.script(run.script_id)}?version=${run.script_version ?? ""}`}>
                {run.name}, version {run.script_version}
              </Link>
            </dd>
          </div>
        )}
        {run.incident_number != null && (
          <div>
            <dt>For</dt>
            <dd>
              <Link href={paths.incident(run.incident_number)}>INC-{run.incident_number}</Link>
            </dd>
          </div>
        )}
        {parameters.length > 0 && (
          <div>
            <dt>Parameters</dt>
            <dd className="mono">{parameters.map(([name, value]) => `${name}=${value}`).join("  ")}</dd>
          </div>
        )}
      </dl>
    </Panel>
  );
}

/** Server by server, or what they said together. */
function Results({ run, ticks }: { run: Run; ticks: number }) {
  const [view, setView] = useUrlState("view");
  if ((run.executions ?? []).length < 2) return <Executions run={run} ticks={ticks} />;
  const together = view === "together";
  return (
    <>
      <div className="row" role="group" aria-label="How the output is shown">
        <button type="button" className="chip" aria-pressed={!together} onClick={() => setView("")}>
          Server by server
        </button>
        <button type="button" className="chip" aria-pressed={together} onClick={() => setView("together")}>
          Alike together
        </button>
      </div>
      {together ? <Folded run={run} /> : <Executions run={run} ticks={ticks} />}
    </>
  );
}

const RANK: Record<string, number> = { crit: 0, warn: 1, unknown: 2, muted: 3, ok: 4 };

function Executions({ run, ticks }: { run: Run; ticks: number }) {
  const [chosen, setChosen] = useUrlState("h");
  const sorted = useMemo(
    () =>
      [...(run.executions ?? [])].sort(
        (a, b) =>
          (RANK[executionTone[a.state]] ?? 0) - (RANK[executionTone[b.state]] ?? 0) ||
          naturalCompare(a.server, b.server),
      ),
    [run.executions],
  );
  if (sorted.length === 0) {
    return (
      <Panel>
        <Empty title="No server was selected" />
      </Panel>
    );
  }
  const current = sorted.find((execution) => execution.server === chosen) ?? sorted[0];
  return (
    <div className="run-columns">
      <Panel flush title={`Servers (${sorted.length})`}>
        <ul className="run-servers">
          {sorted.map((execution) => (
            <li key={execution.id}>
              <button
                type="button"
                className="run-server"
                aria-current={execution === current ? "true" : undefined}
                onClick={() => setChosen(execution.server)}
              >
                <Glyph tone={executionTone[execution.state]} />
                <span className="run-name">{execution.server}</span>
                <span className="meta">{describe(execution)}</span>
              </button>
            </li>
          ))}
        </ul>
      </Panel>
      {current && <OutputView key={current.id} run={run} execution={current} ticks={ticks} />}
    </div>
  );
}
