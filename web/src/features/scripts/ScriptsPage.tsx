// Scripts: versioned text that runs on servers.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import type { Script } from "@/api/types";
import { formatSeconds } from "@/lib/units";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { ScriptTabs } from "@/ui/ScriptTabs";
import { type Column, Table } from "@/ui/Table";
import { RunSheet } from "./RunSheet";

function columnsOf(run: (script: Script) => void): Column<Script>[] {
  return [
    {
      key: "name",
      head: "Script",
      main: true,
      cell: (script) => (
        <>
          <Link href={paths.script(script.id)}>{script.name}</Link>
          {script.description && <div className="sub">{script.description}</div>}
        </>
      ),
      sort: (script) => script.name,
    },
    {
      key: "version",
      head: "Version",
      num: true,
      cell: (script) => script.version,
      sort: (script) => script.version,
    },
    {
      key: "parameters",
      head: "Parameters",
      low: true,
      cell: (script) => script.parameters.map((parameter) => parameter.name).join(", ") || "none",
    },
    {
      key: "timeout",
      head: "Time limit",
      low: true,
      cell: (script) => formatSeconds(script.timeout_seconds),
    },
    {
      key: "updated",
      head: "Changed",
      low: true,
      cell: (script) => (
        <>
          <Ago at={script.updated_at} /> by {script.updated_by}
        </>
      ),
      sort: (script) => Date.parse(script.updated_at),
    },
    {
      key: "run",
      head: "",
      cell: (script) => (
        <Button
          small
          icon="run"
          needs="operate"
          aria-label={`Run ${script.name}`}
          onClick={() => run(script)}
        >
          Run…
        </Button>
      ),
    },
  ];
}

export function ScriptsPage() {
  const [q, setQ] = useUrlState("q");
  const [running, setRunning] = useState<Script>();
  const scripts = useQuery(queries.scripts());
  return (
    <Page
      title="Scripts"
      cli="watchtower script list"
      actions={
        <Link className="button primary" href={paths.scriptNew}>
          New script
        </Link>
      }
    >
      <ScriptTabs />
      <Panel
        flush
        title="All scripts"
        actions={
          <input
            className="input inline"
            type="search"
            aria-label="Filter scripts"
            placeholder="Filter by name"
            value={q}
            onChange={(event) => setQ(event.target.value)}
          />
        }
      >
        <Loaded query={scripts} lines={6}>
          {({ items }) => <Listed scripts={items} q={q} clear={() => setQ("")} run={setRunning} />}
        </Loaded>
      </Panel>
      {running && <RunSheet script={running} onClose={() => setRunning(undefined)} />}
    </Page>
  );
}

interface ListedProps {
  scripts: Script[];
  q: string;
  clear: () => void;
  run: (script: Script) => void;
}

function Listed({ scripts, q, clear, run }: ListedProps) {
  const shown = scripts.filter((script) =>
    `${script.name} ${script.description}`.toLowerCase().includes(q.toLowerCase()),
  );
  if (scripts.length === 0) {
    return (
      <Empty
        title="No scripts yet"
        action={
          <Link className="button primary" href={paths.scriptNew}>
            Write the first script
          </Link>
        }
      >
        A script is kept in versions, takes typed parameters, and runs on the servers you select.
      </Empty>
    );
  }
  if (shown.length === 0) {
    return (
      <Empty
        title={`0 of ${scripts.length} match`}
        action={<Button onClick={clear}>Clear the filter</Button>}
      />
    );
  }
  return (
    <Table
      label="Scripts"
      rows={shown}
      columns={columnsOf(run)}
      rowKey={(script) => script.id}
      sortBy="name"
    />
  );
}
