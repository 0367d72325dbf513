// One cell per server: shape and colour say how it does. One tab stop; arrows move, Enter opens.
import { useInfiniteQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { queries } from "@/api/queries";
import type { Server } from "@/api/types";
import { useLiveVitals } from "@/api/vitals";
import { naturalCompare } from "@/lib/labels";
import { formatPercent } from "@/lib/units";
import { paths } from "@/paths";
import { Empty, Loaded } from "@/ui/Panel";
import { serverWord, toneOfServer } from "@/ui/Status";

const CELLS_MAX = 2000;

export function FleetMap() {
  const query = useInfiniteQuery(queries.servers());
  const servers = useMemo(
    () => query.data?.pages.flatMap((page) => page.items).sort((a, b) => naturalCompare(a.name, b.name)),
    [query.data],
  );
  return (
    <Loaded query={{ ...query, data: servers }} lines={3}>
      {(all) =>
        all.length === 0 ? <Empty title="No servers yet" /> : <Cells servers={all.slice(0, CELLS_MAX)} />
      }
    </Loaded>
  );
}

function Cells({ servers }: { servers: Server[] }) {
  const [at, setAt] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const [, navigate] = useLocation();
  const current = servers[Math.min(at, servers.length - 1)];
  const perRow = () => {
    const cells = [...(box.current?.children ?? [])] as HTMLElement[];
    const top = cells[0]?.offsetTop;
    return Math.max(
      1,
      cells.findIndex((cell) => cell.offsetTop !== top),
    );
  };
  const onKey = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: perRow(),
      ArrowUp: -perRow(),
    };
    const by = moves[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(servers.length - 1, at + by));
    setAt(next);
    (box.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div className="stack tight">
      <div ref={box} className="fleet" role="group" aria-label="Servers as a map" onKeyDown={onKey}>
        {servers.map((server, index) => (
          <button
            key={server.id}
            type="button"
            className={`fleet-cell tone-${toneOfServer(server)}`}
            tabIndex={index === at ? 0 : -1}
            aria-label={`${server.name}: ${serverWord[server.status]}, ${server.open_incidents} incidents`}
            onFocus={() => setAt(index)}
            onPointerEnter={() => setAt(index)}
            onClick={() => navigate(paths.server(server.id))}
          />
        ))}
      </div>
      {current && <Card server={current} />}
    </div>
  );
}

function Card({ server }: { server: Server }) {
  const vitals = useLiveVitals(server.id)?.vitals ?? server.vitals;
  return (
    <p className="meta dots">
      <strong>{server.name}</strong>
      <span>{server.status_reason}</span>
      <span>CPU {formatPercent(vitals?.cpu_percent)}</span>
      <span>memory {formatPercent(vitals?.memory_percent)}</span>
      <span>disk {formatPercent(vitals?.disk_percent)}</span>
    </p>
  );
}
