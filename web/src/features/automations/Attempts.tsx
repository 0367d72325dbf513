// What an automation did about alerts: each attempt with its gates, and the decision where one is waited for.
import { Link } from "wouter";
import { api } from "@/api/client";
import type { Attempt } from "@/api/types";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Empty, ErrorNotice } from "@/ui/Panel";
import { attemptTone, Status, words } from "@/ui/Status";
import { useAction } from "@/ui/useAction";
import { Gates } from "./Gates";

export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  if (attempts.length === 0) return <Empty title="It was not considered yet" />;
  return (
    <ul>
      {attempts.map((attempt) => (
        <AttemptRow key={attempt.id} attempt={attempt} />
      ))}
    </ul>
  );
}

function AttemptRow({ attempt }: { attempt: Attempt }) {
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
      </div>
      {attempt.reason && <p className="dim">{attempt.reason}</p>}
      {attempt.state === "awaiting_approval" && <Decision attempt={attempt} />}
      <Gates gates={attempt.gates} />
    </li>
  );
}

function Decision({ attempt }: { attempt: Attempt }) {
  const path = { automation: attempt.automation_id, attempt: attempt.id };
  const approve = useAction(
    () => api.post("/automations/{automation}/attempts/{attempt}/approve", { path }),
    { changes: ["automation", "run"], done: "Approved" },
  );
  const deny = useAction(() => api.post("/automations/{automation}/attempts/{attempt}/deny", { path }), {
    changes: ["automation"],
    done: "Denied",
  });
  const error = approve.error ?? deny.error;
  return (
    <>
      <div className="row">
        <Button small kind="primary" needs="operate" busy={approve.busy} onClick={() => void approve.start()}>
          Approve
        </Button>
        <Button small needs="operate" busy={deny.busy} onClick={() => void deny.start()}>
          Deny
        </Button>
      </div>
      {error !== undefined && <ErrorNotice error={error} title="Not decided" />}
    </>
  );
}
