// A run that waits until another person has read it.
import { api } from "@/api/client";
import type { Run } from "@/api/types";
import { At } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { ErrorNotice, Panel } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";

export function Approval({ run }: { run: Run }) {
  const path = { run: run.id };
  const approve = useAction(() => api.post("/runs/{run}/approve", { path }), {
    changes: ["run"],
    done: `Run ${run.number} starts`,
  });
  const deny = useAction(() => api.post("/runs/{run}/deny", { path }), {
    changes: ["run"],
    done: `Run ${run.number} is refused`,
  });
  const error = approve.error ?? deny.error;
  return (
    <Panel title="Waits for approval">
      <div className="stack">
        <p>
          {run.started_by} asks to run this on {run.total} {run.total === 1 ? "server" : "servers"}. Another
          person approves it
          {run.approve_by && (
            <>
              {" "}
              by <At at={run.approve_by} />; after that it does not start
            </>
          )}
          .
        </p>
        {error !== undefined && <ErrorNotice error={error} title="That did not work" />}
        <div className="form-actions">
          <Button kind="primary" needs="operate" busy={approve.busy} onClick={() => void approve.start()}>
            Approve and start
          </Button>
          <Button kind="danger" needs="operate" busy={deny.busy} onClick={() => void deny.start()}>
            Refuse
          </Button>
        </div>
      </div>
    </Panel>
  );
}
