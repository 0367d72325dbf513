// One batch of deployments: did every host get its agent, and if not, what exactly is to be fixed?
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { ApiError, api } from "@/api/client";
import type { Deployment } from "@/api/types";
import { paths } from "@/paths";
import { At } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Confirm, Dialog } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { AccessFields } from "./AccessFields";
import { type Draft, EMPTY, missing, toAccess } from "./access";
import { ACTIONS, upgraded } from "./actions";
import { BatchView, useBatch } from "./BatchView";
import { isOpen } from "./steps";

const PARENTS = [{ label: "Deploys", href: paths.deploys }];

function titleOf(all: readonly Deployment[] | undefined): string {
  const [first] = all ?? [];
  if (!all || !first) return "Deploy";
  const verb = first.dry_run ? "Plan for" : ACTIONS[first.action].verb;
  return `${verb} ${all.length === 1 ? first.server : `${all.length} servers`}`;
}

export function BatchPage({ params }: { params: { batch: string } }) {
  const query = useBatch(params.batch);
  const all = query.data?.items;
  const first = all?.[0];
  const open = all?.some(isOpen);
  const failed = all?.some((one) => one.status === "failed");
  const back = !open && all ? upgraded(all) : undefined;
  const [, navigate] = useLocation();
  return (
    <Page
      title={titleOf(all)}
      parents={PARENTS}
      actions={
        <>
          {open && <Cancel batch={params.batch} />}
          {back && (
            <Button needs="operate" onClick={() => navigate(paths.serverRollBack(back))}>
              Roll back…
            </Button>
          )}
          {failed && !open && <Retry batch={params.batch} />}
        </>
      }
      cli={`watchtower deployment list --batch ${params.batch}`}
    >
      {first && (
        <p className="dim">
          Asked for by {first.created_by} at <At at={first.created_at} />
          {first.retry_of && (
            <>
              , to do again what failed in <Link href={paths.deploy(first.retry_of)}>an earlier one</Link>
            </>
          )}
          .
        </p>
      )}
      <BatchView batch={params.batch} />
    </Page>
  );
}

function Cancel({ batch }: { batch: string }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button kind="danger" needs="operate" onClick={() => setAsking(true)}>
        Cancel
      </Button>
      {asking && (
        <Confirm
          title="Cancel what has not ended"
          verb="Cancel the deployments"
          run={() => api.post("/deployments/{deployment}/cancel", { path: { deployment: batch } })}
          onClose={() => setAsking(false)}
        >
          <p>
            What is done stays done. A host that was being worked on may be left with part of it; deploying
            again mends that.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** With the secrets the hub still has; when it has let go of them, they are asked for. */
function Retry({ batch }: { batch: string }) {
  const [asking, setAsking] = useState(false);
  const [, navigate] = useLocation();
  const retry = useAction(
    async (draft?: Draft) => {
      const body = { ssh: draft ? toAccess(draft) : null };
      try {
        return await api.post("/deployments/{deployment}/retry", { path: { deployment: batch }, body });
      } catch (error) {
        if (!draft && error instanceof ApiError && error.code === "conflict") setAsking(true);
        throw error;
      }
    },
    { changes: ["deployment"] },
  );
  const start = async (draft?: Draft) => {
    const made = await retry.start(draft);
    const next = made?.items[0]?.batch_id;
    if (!next) return;
    setAsking(false);
    navigate(paths.deploy(next));
  };
  return (
    <>
      <Button kind="primary" needs="operate" busy={retry.busy} onClick={() => void start()}>
        Retry failed
      </Button>
      {asking && (
        <AskAgain error={retry.error} busy={retry.busy} onStart={start} onClose={() => setAsking(false)} />
      )}
    </>
  );
}

interface AskAgainProps {
  error: unknown;
  busy: boolean;
  onStart: (draft: Draft) => Promise<void>;
  onClose: () => void;
}

function AskAgain({ error, busy, onStart, onClose }: AskAgainProps) {
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [complaint, setComplaint] = useState<string>();
  return (
    <Dialog title="Retry what failed" wide onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const problem = missing(draft);
          setComplaint(problem);
          if (!problem) void onStart(draft);
        }}
      >
        {error !== undefined && <ErrorNotice error={error} title="It needs the key or password again" />}
        <AccessFields draft={draft} onChange={setDraft} />
        {complaint && (
          <div className="notice tone-warn" role="alert">
            {complaint}
          </div>
        )}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="operate" busy={busy}>
            Retry failed
          </Button>
          <Button onClick={onClose}>Close</Button>
        </div>
      </form>
    </Dialog>
  );
}
