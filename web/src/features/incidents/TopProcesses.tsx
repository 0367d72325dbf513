// The busiest processes when the incident was triggered.
import type { Process, Processes } from "@/api/types";
import { formatBytes } from "@/lib/units";
import { At } from "@/ui/Ago";
import { Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";

const SHOWN_MAX = 10;

const COLUMNS: Column<Process>[] = [
  {
    key: "name",
    head: "Process",
    cell: (process) => (
      <>
        {process.name}
        <div className="sub">
          {process.user}, PID {process.pid}
        </div>
      </>
    ),
  },
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
];

export function TopProcesses({ processes }: { processes: Processes }) {
  const busiest = [...processes.items].sort((a, b) => b.cpu_percent - a.cpu_percent).slice(0, SHOWN_MAX);
  return (
    <Panel
      flush
      title="Top processes when it began"
      actions={
        <span className="meta">
          <At at={processes.at} />
        </span>
      }
    >
      <Table
        label="Top processes"
        rows={busiest}
        columns={COLUMNS}
        rowKey={(process) => String(process.pid)}
        sortBy="cpu"
        descending
      />
    </Panel>
  );
}
