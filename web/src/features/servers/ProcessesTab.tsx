// The process table, live. Command lines arrive masked: what looks like a secret never left the server.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { queries } from "@/api/queries";
import type { Process, Server } from "@/api/types";
import { formatBytes } from "@/lib/units";
import { useUrlState } from "@/lib/url-state";
import { At } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";
import type { ServerLive } from "./useServerLive";

const rate = (value: number) => (value > 0 ? `${formatBytes(value)}/s` : "–");

export const PROCESS_COLUMNS: Column<Process>[] = [
  { key: "pid", head: "PID", cell: (process) => process.pid, sort: (process) => process.pid, low: true },
  {
    key: "name",
    head: "Process",
    main: true,
    cell: (process) => (
      <>
        {process.name}
        <div className="sub mono clip" title={process.command}>
          {process.command}
        </div>
      </>
    ),
    sort: (process) => process.name,
  },
  { key: "user", head: "User", cell: (process) => process.user, sort: (process) => process.user, low: true },
  {
    key: "cpu",
    head: "CPU",
    num: true,
    cell: (process) => `${process.cpu_percent.toFixed(1)} %`,
    sort: (process) => process.cpu_percent,
  },
  {
    key: "rss",
    head: "Memory",
    num: true,
    cell: (process) => formatBytes(process.rss_bytes),
    sort: (process) => process.rss_bytes,
  },
  {
    key: "read",
    head: "Read",
    num: true,
    low: true,
    cell: (process) => rate(process.read_bytes_per_second),
    sort: (process) => process.read_bytes_per_second,
  },
  {
    key: "write",
    head: "Write",
    num: true,
    low: true,
    cell: (process) => rate(process.write_bytes_per_second),
    sort: (process) => process.write_bytes_per_second,
  },
  {
    key: "threads",
    head: "Threads",
    num: true,
    low: true,
    cell: (process) => process.threads,
    sort: (process) => process.threads,
  },
  {
    key: "state",
    head: "State",
    low: true,
    cell: (process) => process.state,
    sort: (process) => process.state,
  },
];

export function ProcessesTab({ server, live }: { server: Server; live: ServerLive }) {
  const [q, setQ] = useUrlState("q");
  const stored = useQuery(queries.processes(server.id));
  const query = {
    ...stored,
    data: live.processes ?? stored.data,
    error: live.processes ? null : stored.error,
  };
  return (
    <Panel
      flush
      title="Processes"
      actions={
        <input
          className="input inline"
          type="search"
          aria-label="Filter processes"
          placeholder="Filter by name, user or command"
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
      }
    >
      <Loaded query={query} lines={12}>
        {(processes) => (
          <Shown
            items={processes.items}
            q={q}
            clear={() => setQ("")}
            at={processes.at}
            total={processes.total}
            threads={processes.threads}
          />
        )}
      </Loaded>
    </Panel>
  );
}

interface ShownProps {
  items: Process[];
  q: string;
  clear: () => void;
  at: string;
  total: number;
  threads: number;
}

function Shown({ items, q, clear, at, total, threads }: ShownProps) {
  const needle = q.toLowerCase();
  const shown = useMemo(
    () =>
      items.filter((process) =>
        `${process.pid} ${process.name} ${process.user} ${process.command}`.toLowerCase().includes(needle),
      ),
    [items, needle],
  );
  return (
    <>
      <p className="meta pad" data-testid="process-meta">
        {total} processes, {threads} threads; the {items.length} busiest are listed, as of <At at={at} />
      </p>
      {shown.length === 0 ? (
        <Empty
          title={`0 of ${items.length} match`}
          action={<Button onClick={clear}>Clear the filter</Button>}
        />
      ) : (
        <Table
          label="Processes"
          rows={shown}
          columns={PROCESS_COLUMNS}
          rowKey={(process) => `${process.pid} ${process.started_at}`}
          sortBy="cpu"
          descending
        />
      )}
    </>
  );
}
