// All deployments over SSH, newest first.
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import type { Deployment } from "@/api/types";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { deploymentTone, Status } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { DeployTabs } from "./DeployTabs";
import { outcome } from "./steps";

const STATES = ["", "running", "failed", "succeeded", "cancelled"];

function pathOf(one: Deployment): string {
  return `${paths.deploy(one.batch_id)}?h=${encodeURIComponent(one.server)}`;
}

const COLUMNS: Column<Deployment>[] = [
  {
    key: "status",
    head: "State",
    cell: (one) => (
      <>
        <Status tone={deploymentTone[one.status]}>{one.status}</Status>
        {one.finished_at && <div className="sub">{outcome(one)}</div>}
      </>
    ),
  },
  {
    key: "server",
    head: "Server",
    main: true,
    cell: (one) => (
      <>
        <div>
          <Link href={pathOf(one)}>{one.server}</Link>
        </div>
        <div className="sub mono clip">{one.target}</div>
      </>
    ),
  },
  { key: "what", head: "What", low: true, cell: (one) => (one.dry_run ? "plan" : one.action) },
  {
    key: "cause",
    head: "Cause",
    low: true,
    cell: (one) => <div className="clip">{one.failure?.cause ?? "–"}</div>,
  },
  { key: "by", head: "By", low: true, cell: (one) => one.created_by },
  { key: "at", head: "Asked for", low: true, cell: (one) => <Ago at={one.created_at} /> },
];

export function DeploysPage() {
  const [status, setStatus] = useUrlState("status");
  const deployments = useQuery(queries.deployments({ status, limit: "100" }));
  const add = (
    <Link className="button primary" href={paths.serverAddBySsh}>
      Add servers by SSH
    </Link>
  );
  return (
    <Page title="Deploys" cli="watchtower deployment list" actions={add}>
      <DeployTabs />
      <div className="row" role="group" aria-label="Filter by state">
        {STATES.map((name) => (
          <button
            key={name}
            type="button"
            className="chip"
            aria-pressed={status === name}
            onClick={() => setStatus(name)}
          >
            {name || "All"}
          </button>
        ))}
      </div>
      <Panel flush>
        <Loaded query={deployments} lines={8}>
          {({ items }) =>
            items.length > 0 ? (
              <Table label="Deploys" rows={items} columns={COLUMNS} rowKey={(one) => one.id} href={pathOf} />
            ) : status ? (
              <Empty
                title={`No deploy is ${status}`}
                action={<Button onClick={() => setStatus("")}>Show all</Button>}
              />
            ) : (
              <Empty title="Nothing was deployed over SSH yet">
                The hub signs in to a server, installs the agent, and says exactly what is wrong when it
                cannot.
              </Empty>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
