// One script: text, parameters, versions, and the way to run it.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Script } from "@/api/types";
import { shellWord } from "@/lib/shell";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge, runTone, Status } from "@/ui/Status";
import { Approvals } from "./Approvals";
import { RunSheet } from "./RunSheet";
import { ScriptForm } from "./ScriptForm";

const PARENTS = [{ label: "Scripts", href: paths.scripts }];

export function ScriptPage({ params }: { params: { id: string } }) {
  if (params.id === "new") {
    return (
      <Page title="New script" parents={PARENTS} cli="watchtower script apply -f script.yaml">
        <ScriptForm />
      </Page>
    );
  }
  return <Stored id={params.id} />;
}

function Stored({ id }: { id: string }) {
  const script = useQuery(queries.script(id));
  const versions = useQuery(queries.scriptVersions(id));
  const [running, setRunning] = useState(false);
  const [version, setVersion] = useUrlState("version");
  const old = version ? versions.data?.items.find((one) => String(one.version) === version) : undefined;
  return (
    <Page
      title={script.data?.name ?? "Script"}
      parents={PARENTS}
      cli={`watchtower script get ${shellWord(script.data?.name ?? id)}`}
      actions={
        script.data && (
          <>
            <RemoveScript script={script.data} />
            <Button kind="primary" icon="run" needs="operate" onClick={() => setRunning(true)}>
              Run…
            </Button>
          </>
        )
      }
    >
      <Loaded query={script} lines={10}>
        {(data) => (
          <div className="columns">
            <div className="stack">
              {old && old.version !== data.version && (
                <div className="notice tone-muted" role="status">
                  <div className="row">
                    <strong>
                      Version {old.version} of {data.version}
                    </strong>
                    <Button small onClick={() => setVersion("")}>
                      Back to the newest
                    </Button>
                  </div>
                  <span>Saving it makes it the newest version again.</span>
                </div>
              )}
              <ScriptForm key={`${data.id} ${old?.version ?? data.version}`} script={old ?? data} />
            </div>
            <div className="stack">
              <Approvals script={old ?? data} />
              <Versions items={versions} current={old?.version ?? data.version} choose={setVersion} />
              <RecentRuns script={data} />
            </div>
          </div>
        )}
      </Loaded>
      {running && script.data && <RunSheet script={script.data} onClose={() => setRunning(false)} />}
    </Page>
  );
}

interface VersionsProps {
  items: Parameters<typeof Loaded<{ items: Script[] }>>[0]["query"];
  current: number;
  choose: (version: string) => void;
}

function Versions({ items, current, choose }: VersionsProps) {
  return (
    <Panel flush title="Versions">
      <Loaded query={items} lines={3}>
        {({ items: all }) => (
          <ul>
            {all.map((one) => (
              <li key={one.version} className="list-row row">
                <Button
                  small
                  aria-pressed={one.version === current}
                  aria-label={`Version ${one.version}`}
                  onClick={() => choose(String(one.version))}
                >
                  {one.version}
                </Button>
                <span className="meta">
                  <Ago at={one.updated_at} /> by {one.updated_by} ·{" "}
                  <span className="mono">{one.sha256.slice(0, 12)}</span>
                </span>
                {one.approval && (
                  <Badge tone="ok">
                    <span title={one.approval.key}>signed by …{one.approval.key.slice(-6)}</span>
                  </Badge>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}

function RecentRuns({ script }: { script: Script }) {
  const runs = useQuery(queries.runs({ script: script.id, limit: "10" }));
  return (
    <Panel flush title="Recent runs">
      <Loaded query={runs} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="It has not run yet" />
          ) : (
            <ul>
              {items.map((run) => (
                <li key={run.id} className="list-row row">
                  <Status tone={runTone[run.state]}>{run.state}</Status>
                  <Link href={paths.run(run.number)}>run {run.number}</Link>
                  <span className="meta">
                    {run.succeeded} of {run.total} · <Ago at={run.created_at} />
                  </span>
                  {run.script_version !== script.version && (
                    <Badge tone="unknown">version {run.script_version}</Badge>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

function RemoveScript({ script }: { script: Script }) {
  const [asking, setAsking] = useState(false);
  const [, navigate] = useLocation();
  return (
    <>
      <Button kind="danger" icon="trash" needs="operate" onClick={() => setAsking(true)}>
        Delete
      </Button>
      {asking && (
        <Confirm
          title={`Delete ${script.name}`}
          verb="Delete the script"
          typed={script.name}
          run={async () => {
            await api.delete("/scripts/{script}", { path: { script: script.id } });
            navigate(paths.scripts);
          }}
          onClose={() => setAsking(false)}
        >
          <p>Its runs stay in the history. Automations that use it can no longer act.</p>
        </Confirm>
      )}
    </>
  );
}
