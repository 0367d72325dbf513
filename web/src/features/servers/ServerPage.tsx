// One server: what it does now, since when, and what changed.

import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { ApiError, api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Server } from "@/api/types";
import { useKey } from "@/lib/hooks";
import { shellWord } from "@/lib/shell";
import { formatSeconds } from "@/lib/units";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel, problemOf } from "@/ui/Panel";
import { Status, serverTone, serverWord } from "@/ui/Status";
import { Tabs } from "@/ui/Tabs";
import { toast } from "@/ui/toast";
import { useAction } from "@/ui/useAction";
import { ConfigTab } from "./ConfigTab";
import { EventsTab } from "./EventsTab";
import { OverviewTab } from "./OverviewTab";
import { ProcessesTab } from "./ProcessesTab";
import { useServerLive } from "./useServerLive";

const TABS = [
  { id: "overview", label: "Overview" },
  { id: "processes", label: "Processes" },
  { id: "events", label: "Events" },
  { id: "config", label: "Config" },
];

export function ServerPage({ params }: { params: { id: string; tab?: string } }) {
  const server = useQuery(queries.server(params.id));
  const missing = server.error instanceof ApiError && server.error.code === "not_found";
  const title = server.data?.name ?? (missing ? "Not found" : "Server");
  const parents = [{ label: "Servers", href: paths.servers }];
  if (missing) {
    return (
      <Page title={title} parents={parents}>
        <Panel>
          <Empty title="There is no such server" action={<Link href={paths.servers}>All servers</Link>}>
            {problemOf(server.error).detail}
          </Empty>
        </Panel>
      </Page>
    );
  }
  if (!server.data) {
    return (
      <Page title={title} parents={parents}>
        <Panel>
          <Loaded query={server} lines={10}>
            {() => null}
          </Loaded>
        </Panel>
      </Page>
    );
  }
  return <Shown server={server.data} tab={params.tab ?? "overview"} />;
}

function Shown({ server, tab }: { server: Server; tab: string }) {
  const [, navigate] = useLocation();
  const live = useServerLive(server.id);
  const collect = useAction(() => api.post("/servers/{server}/collect", { path: { server: server.id } }), {
    changes: ["server"],
  });
  const tabs = TABS.map(({ id, label }) => ({ href: paths.server(server.id, id), label }));
  useKey("1", () => navigate(tabs[0]?.href ?? ""));
  useKey("2", () => navigate(tabs[1]?.href ?? ""));
  useKey("3", () => navigate(tabs[2]?.href ?? ""));
  useKey("4", () => navigate(tabs[3]?.href ?? ""));
  const collectNow = async () => {
    const done = await collect.start();
    if (done) toast(`Fresh report: ${done.samples} samples in ${formatSeconds(done.round_trip_seconds)}`);
  };
  if (collect.error !== undefined) {
    toast(`Could not collect: ${problemOf(collect.error).detail}`, "crit");
    collect.clear();
  }
  return (
    <Page
      title={server.name}
      parents={[{ label: "Servers", href: paths.servers }]}
      heading={
        <div className="row" style={{ flex: "1 1 auto" }}>
          <h1>{server.name}</h1>
          <Status tone={serverTone[server.status]}>{serverWord[server.status]}</Status>
          <span className="dim">{server.status_reason}</span>
          {live.isFast && <span className="badge">1 s live</span>}
        </div>
      }
      actions={
        <Button icon="refresh" needs="respond" busy={collect.busy} onClick={() => void collectNow()}>
          Collect now
        </Button>
      }
      cli={`watchtower server get ${shellWord(server.name)}`}
    >
      <Tabs tabs={tabs} label={`Parts of ${server.name}`} at={paths.server(server.id, tab)} />
      {tab === "processes" ? (
        <ProcessesTab server={server} live={live} />
      ) : tab === "events" ? (
        <EventsTab server={server} />
      ) : tab === "config" ? (
        <ConfigTab server={server} />
      ) : (
        <OverviewTab server={server} live={live} />
      )}
    </Page>
  );
}
