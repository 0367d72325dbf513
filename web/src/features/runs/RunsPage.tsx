// All runs, newest first.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import type { Run } from "@/api/types";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge, runTone, Status } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { ExecSheet } from "./ExecSheet";
import { HaltButton } from "./HaltButton";

const STATES = ["", "awaiting_approval", "running", "failed", "partial", "succeeded", "cancelled"];

const COLUMNS: Column<Run>[] = [
  {
    key: "state",
    head: "State",
    cell: (run) => <Status tone={runTone[run.state]}>{words(run.state)}</Status>,
  },
  {
    key: "run",
    head: "Run",
    main: true,
    cell: (run) => (
      <>
        <div>
          <Link href={paths.run(run.number)}>
            {run.number} · {run.name}
          </Link>
        </div>
        <div className="sub mono clip">{run.on}</div>
      </>
    ),
  },
  {
    key: "servers",
    head: "Servers",
    num: true,
    cell: (run) => (
      <>
        {run.succeeded} of {run.total}
        {run.failed > 0 && (
          <div>
            <Badge tone="crit">{run.failed} failed</Badge>
          </div>
        )}
      </>
    ),
  },
  { key: "by", head: "By", low: true, cell: (run) => run.started_by },
  {
    key: "incident",
    head: "For",
    low: true,
    cell: (run) =>
      run.incident_number == null ? (
        "–"
      ) : (
        <Link href={paths.incident(run.incident_number)}>INC-{run.incident_number}</Link>
      ),
  },
  { key: "at", head: "Started", low: true, cell: (run) => <Ago at={run.created_at} /> },
];

// Short enough for a phone's table.
const words = (state: string) => (state === "awaiting_approval" ? "to approve" : state);

export function RunsPage() {
  const [state, setState] = useUrlState("state");
  const [typing, setTyping] = useState(false);
  const runs = useQuery(queries.runs({ state, limit: "100" }));
  return (
    <Page
      title="Runs"
      cli="watchtower run list"
      actions={
        <>
          <HaltButton />
          <Button kind="primary" icon="run" needs="operate" onClick={() => setTyping(true)}>
            Run a command
          </Button>
        </>
      }
    >
      {typing && <ExecSheet onClose={() => setTyping(false)} />}
      <div className="row" role="group" aria-label="Filter by state">
        {STATES.map((name) => (
          <button
            key={name}
            type="button"
            className="chip"
            aria-pressed={state === name}
            onClick={() => setState(name)}
          >
            {words(name) || "All"}
          </button>
        ))}
      </div>
      <Panel flush>
        <Loaded query={runs} lines={8}>
          {({ items }) =>
            items.length > 0 ? (
              <Table
                label="Runs"
                rows={items}
                columns={COLUMNS}
                rowKey={(run) => run.id}
                href={(run) => paths.run(run.number)}
              />
            ) : state ? (
              <Empty
                title={`No run is ${words(state)}`}
                action={<Button onClick={() => setState("")}>Show all</Button>}
              />
            ) : (
              <Empty
                title="Nothing has run yet"
                action={
                  <Link className="button" href={paths.scripts}>
                    Choose a script
                  </Link>
                }
              >
                Runs by people and by automations are kept here with their output.
              </Empty>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
