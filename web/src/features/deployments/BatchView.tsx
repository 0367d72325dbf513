// Deployments that were asked for together: each host with its steps as they happen.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "wouter";
import { useTopic } from "@/api/live-hooks";
import { queries } from "@/api/queries";
import type { Deployment } from "@/api/types";
import { useNow } from "@/lib/hooks";
import { naturalCompare } from "@/lib/labels";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { CopyButton } from "@/ui/Copy";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { deploymentTone, Glyph, Status, type Tone } from "@/ui/Status";
import { isOpen, outcome, stepName, summary, tookOf } from "./steps";

/** The live channel may be down: open batches are asked for again now and then. */
const POLL_MS = 5000;
const RANK: Record<Deployment["status"], number> = {
  failed: 0,
  running: 1,
  pending: 2,
  cancelled: 3,
  succeeded: 4,
};
const STEP_TONES: Record<string, Tone> = { succeeded: "ok", failed: "crit", cancelled: "muted" };

/** The batch, kept true while something of it is open. */
export function useBatch(batch: string) {
  const client = useQueryClient();
  const query = useQuery({
    ...queries.batch(batch),
    refetchInterval: ({ state }) => (state.data?.items.some(isOpen) ? POLL_MS : false),
  });
  const open = query.data?.items.some(isOpen) === true;
  const refresh = () => void client.invalidateQueries({ queryKey: ["deployment"] });
  useTopic("deployments", batch, refresh, refresh, open);
  return query;
}

export function BatchView({ batch }: { batch: string }) {
  const query = useBatch(batch);
  return (
    <Loaded query={query} lines={6}>
      {({ items }) =>
        items.length > 0 ? <Hosts all={items} /> : <Empty title="There are no such deployments" />
      }
    </Loaded>
  );
}

function Hosts({ all }: { all: Deployment[] }) {
  const [chosen, setChosen] = useUrlState("h");
  const sorted = useMemo(
    () => [...all].sort((a, b) => RANK[a.status] - RANK[b.status] || naturalCompare(a.server, b.server)),
    [all],
  );
  const current = sorted.find((one) => one.server === chosen) ?? sorted[0];
  return (
    <div className="run-columns">
      <Panel flush title={summary(all)}>
        <ul className="run-servers">
          {sorted.map((one) => (
            <li key={one.id}>
              <button
                type="button"
                className="run-server"
                aria-current={one === current ? "true" : undefined}
                onClick={() => setChosen(one.server)}
              >
                <Glyph tone={deploymentTone[one.status]} />
                <span className="run-name">{one.server}</span>
                <span className="meta">{outcome(one)}</span>
              </button>
            </li>
          ))}
        </ul>
      </Panel>
      {current && <Host key={current.id} deployment={current} />}
    </div>
  );
}

function Host({ deployment }: { deployment: Deployment }) {
  const query = useQuery({
    ...queries.deployment(deployment.id),
    refetchInterval: isOpen(deployment) ? POLL_MS : false,
  });
  const { failure, remarks } = deployment;
  return (
    <Panel
      title={
        <>
          {deployment.server} <span className="meta mono">{deployment.target}</span>
        </>
      }
      actions={<Status tone={deploymentTone[deployment.status]}>{deployment.status}</Status>}
    >
      <div className="stack">
        {failure && <Failure failure={failure} />}
        {remarks.length > 0 && (
          <div className="stack tight">
            <strong>{deployment.dry_run ? "What would be done" : "Good to know"}</strong>
            <ul className="bullets">
              {remarks.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </div>
        )}
        <Loaded query={query} lines={6}>
          {(data) => <Steps deployment={data} />}
        </Loaded>
        {deployment.status === "succeeded" && deployment.server_id && !deployment.dry_run && (
          <Link href={paths.server(deployment.server_id)}>Open {deployment.server}</Link>
        )}
      </div>
    </Panel>
  );
}

function Failure({ failure }: { failure: NonNullable<Deployment["failure"]> }) {
  const text = [`${failure.code}: ${failure.cause}`, failure.fix, failure.detail].filter(Boolean).join("\n");
  return (
    <div className="notice tone-crit" data-testid="failure">
      <div className="row">
        <strong>{failure.code}</strong>
        <CopyButton text={text} />
      </div>
      <span>{failure.cause}</span>
      <span>
        <b>What to do:</b> {failure.fix}
      </span>
      {failure.detail && <pre className="code-block">{failure.detail}</pre>}
    </div>
  );
}

function Steps({ deployment }: { deployment: Deployment }) {
  const now = useNow(isOpen(deployment) ? 250 : undefined);
  const steps = deployment.steps ?? [];
  if (steps.length === 0) {
    return (
      <p className="dim">
        {deployment.status === "pending"
          ? "Waits for its turn: ten are worked on at once."
          : "No step was taken."}
      </p>
    );
  }
  return (
    <ol className="steps" data-testid="steps">
      {steps.map((step) => (
        <li key={step.started_at + step.name}>
          <Glyph tone={STEP_TONES[step.status] ?? "unknown"} />
          <span className="step-name">
            {stepName(step.name)}
            <span className="visually-hidden"> {step.status}</span>
          </span>
          <span className="step-detail dim">{step.detail}</span>
          <span className="meta num">{tookOf(step, now)}</span>
          {step.output && (
            <details className="step-output" open={step.status === "failed"}>
              <summary>Output</summary>
              <pre className="code-block">{step.output}</pre>
            </details>
          )}
        </li>
      ))}
    </ol>
  );
}
