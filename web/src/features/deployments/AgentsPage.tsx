// The agents there are, by version, and the way to newer ones over their own connection.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { useWhyNot } from "@/api/access";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import { formatBytes } from "@/lib/units";
import { paths, sshHosts } from "@/paths";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { RunStart } from "@/ui/RunStart";
import { Badge } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { DeployTabs } from "./DeployTabs";
import { groupVersions, selectorOf, type VersionGroup } from "./versions";

const NAMES_SHOWN_MAX = 20;
/** Their list is part of an address, which must stay one that every proxy takes; more: `watchtower agent rollback`. */
const ROLL_BACK_MAX = 100;

export function AgentsPage() {
  const query = useInfiniteQuery(queries.servers());
  const groups = useMemo(
    () => query.data && groupVersions(query.data.pages.flatMap((page) => page.items)),
    [query.data],
  );
  const [updating, setUpdating] = useState<string>();
  const [, navigate] = useLocation();
  const columns = useMemo(
    () => columnsOf(setUpdating, (hosts) => navigate(paths.serverRollBack(hosts))),
    [navigate],
  );
  return (
    <Page
      title="Agents"
      parents={[{ label: "Deploys", href: paths.deploys }]}
      cli="watchtower run update-agents --on …"
      actions={
        <Button kind="primary" needs="operate" onClick={() => setUpdating("")}>
          Update agents…
        </Button>
      }
    >
      <DeployTabs />
      <Panel flush title="Versions">
        <Loaded query={{ ...query, data: groups }} lines={4}>
          {(items) =>
            items.length === 0 ? (
              <Empty title="There are no servers yet" />
            ) : (
              <Table
                label="Versions of agents"
                rows={items}
                columns={columns}
                rowKey={(group) => group.version}
              />
            )
          }
        </Loaded>
      </Panel>
      <Programs />
      {updating !== undefined && <UpdateSheet on={updating} onClose={() => setUpdating(undefined)} />}
    </Page>
  );
}

function columnsOf(update: (on: string) => void, rollBack: (hosts: string) => void): Column<VersionGroup>[] {
  return [
    {
      key: "version",
      head: "Agent",
      cell: ({ version }) => (version ? <strong>{version}</strong> : <span className="meta">none yet</span>),
    },
    { key: "count", head: "Servers", num: true, low: true, cell: ({ servers }) => servers.length },
    {
      key: "servers",
      head: "Which",
      main: true,
      cell: ({ servers }) => (
        <div className="row">
          {servers.slice(0, NAMES_SHOWN_MAX).map((server) => (
            <span key={server.id}>
              <Link href={paths.server(server.id)}>{server.name}</Link>
              {server.facts?.policy === "monitor" && (
                <>
                  {" "}
                  <Badge tone="muted">monitor</Badge>
                </>
              )}
            </span>
          ))}
          {servers.length > NAMES_SHOWN_MAX && (
            <span className="meta">and {servers.length - NAMES_SHOWN_MAX} more</span>
          )}
        </div>
      ),
    },
    {
      key: "actions",
      head: "",
      cell: ({ version, servers }) =>
        version && (
          <div className="row">
            <Button
              small
              needs="operate"
              aria-label={`Update these of version ${version}`}
              onClick={() => update(selectorOf(servers.map((server) => server.name)))}
            >
              Update
            </Button>
            {servers.length <= ROLL_BACK_MAX && (
              <Button
                small
                needs="operate"
                aria-label={`Roll back these of version ${version}`}
                onClick={() => rollBack(sshHosts(servers.map(({ name }) => ({ name, host: name }))))}
              >
                Roll back
              </Button>
            )}
          </div>
        ),
    },
  ];
}

/** A run like any other: its page has the progress, server by server. */
function UpdateSheet({ on, onClose }: { on: string; onClose: () => void }) {
  return (
    <RunStart
      title="Update agents"
      what="agents"
      on={on}
      ready
      start={(extent) => api.post("/runs/agents", { body: extent })}
      cli={["watchtower run update-agents", ""]}
      onClose={onClose}
    >
      <p className="dim">
        The signed release that this hub has. Each server checks it by the keys in its own agent, and goes
        back by itself when the new program does not work. A canary first is wise: “Not all at once” below.
      </p>
    </RunStart>
  );
}

function Programs() {
  const allowed = useWhyNot("operate") === undefined;
  const programs = useQuery({ ...queries.agentPrograms(), enabled: allowed });
  if (!allowed) return null;
  return (
    <Panel title="What this hub installs over SSH">
      <Loaded query={programs} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="It has no programs of agents" />
          ) : (
            <ul className="stack tight">
              {items.map((item) => (
                <li key={item.arch}>
                  <strong>{item.version}</strong> for {item.arch}{" "}
                  <span className="meta">
                    {formatBytes(item.size_bytes)} · <span className="mono">{item.sha256.slice(0, 12)}</span>
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}
