// All servers, worst first. The hub gives them in pages; words and chips filter here, matchers on the hub.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { useFleetVitals } from "@/api/live-hooks";
import { queries } from "@/api/queries";
import type { Server } from "@/api/types";
import { useKey, useSettled } from "@/lib/hooks";
import { shellWord } from "@/lib/shell";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Glyph } from "@/ui/Status";
import { countTones, shownServers, TONE_WORDS, TONES } from "./list";
import { ServerTable } from "./ServerTable";

const MATCHERS_SETTLE_MS = 400;

/** Every page of the list, one after the other: filtering must see them all. */
export function useAllServers(on: string) {
  const query = useInfiniteQuery(queries.servers(on));
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isError } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, isError]);
  const servers = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  return { ...query, data: servers };
}

export function ServersPage() {
  const [q, setQ] = useUrlState("q");
  const [status, setStatus] = useUrlState("status");
  const [on, setOn] = useUrlState("on");
  const settledOn = useSettled(on, MATCHERS_SETTLE_MS);
  const servers = useAllServers(settledOn);
  const search = useRef<HTMLInputElement>(null);
  useFleetVitals();
  useKey("/", (event) => {
    event.preventDefault();
    search.current?.focus();
  });
  const clear = () => {
    setQ("");
    setStatus("");
    setOn("");
  };
  const command = ["watchtower server list", on && `--on ${shellWord(on)}`, q && `-q ${shellWord(q)}`]
    .filter(Boolean)
    .join(" ");
  return (
    <Page
      title="Servers"
      cli={command}
      actions={
        <Link className="button primary" href={paths.serverAdd}>
          Add server
        </Link>
      }
    >
      <div className="row">
        <input
          ref={search}
          className="input grow"
          style={{ flex: "2 1 14rem", width: "auto" }}
          type="search"
          aria-label="Filter by name or label"
          placeholder="Filter by name or label"
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        <input
          className="input mono grow"
          style={{ width: "auto" }}
          type="search"
          aria-label="Label matchers"
          placeholder={'Matchers: env="prod",role=~"web|db"'}
          value={on}
          onChange={(event) => setOn(event.target.value)}
        />
      </div>
      <Panel flush>
        <Loaded query={servers} lines={12}>
          {(all) =>
            all.length === 0 && !on ? (
              <FirstUse />
            ) : (
              <Listed all={all} q={q} status={status} setStatus={setStatus} clear={clear} />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}

function FirstUse() {
  return (
    <Empty
      title="No servers yet"
      action={
        <Link className="button primary" href={paths.serverAdd}>
          Add the first server
        </Link>
      }
    >
      One line on the server installs the agent; its first report arrives seconds later.
    </Empty>
  );
}

interface ListedProps {
  all: Server[];
  q: string;
  status: string;
  setStatus: (status: string) => void;
  clear: () => void;
}

function Listed({ all, q, status, setStatus, clear }: ListedProps) {
  const [sort, setSort] = useUrlState("sort", "worst");
  const [held, setHeld] = useState(false);
  const counts = useMemo(() => countTones(all), [all]);
  const fresh = useMemo(() => shownServers(all, q, status, sort), [all, q, status, sort]);
  const shown = useHeldOrder(fresh, held, `${q}\n${status}\n${sort}`);
  return (
    <>
      <div className="row" style={{ padding: "0.75rem" }} role="group" aria-label="Filter by state">
        <button type="button" className="chip" aria-pressed={status === ""} onClick={() => setStatus("")}>
          All {all.length}
        </button>
        {TONES.filter((tone) => counts[tone] > 0).map((tone) => {
          const word = TONE_WORDS[tone];
          return (
            <button
              key={tone}
              type="button"
              className="chip"
              aria-pressed={status === word}
              onClick={() => setStatus(status === word ? "" : word)}
            >
              <Glyph tone={tone} /> {counts[tone]} {word}
            </button>
          );
        })}
      </div>
      {shown.length === 0 ? (
        <Empty title={`0 of ${all.length} match`} action={<Button onClick={clear}>Clear filters</Button>}>
          No server has these words, this state and these labels.
        </Empty>
      ) : (
        // biome-ignore lint/a11y/noStaticElementInteractions: only notes whether the pointer or focus is inside
        <div
          onPointerEnter={() => setHeld(true)}
          onPointerLeave={() => setHeld(false)}
          onFocus={() => setHeld(true)}
          onBlur={() => setHeld(false)}
        >
          <ServerTable servers={shown} sort={sort} onSort={setSort} />
        </div>
      )}
    </>
  );
}

/** While the pointer or focus is in the list its order stays: rows change in place, new ones come last. */
function useHeldOrder(fresh: Server[], held: boolean, reason: string): Server[] {
  const kept = useRef<{ reason: string; ids: string[] }>({ reason: "", ids: [] });
  if (!held || kept.current.reason !== reason) {
    kept.current = { reason, ids: fresh.map((server) => server.id) };
    return fresh;
  }
  const byId = new Map(fresh.map((server) => [server.id, server]));
  const inOrder = kept.current.ids.map((id) => byId.get(id)).filter((server) => server !== undefined);
  const known = new Set(kept.current.ids);
  return [...inOrder, ...fresh.filter((server) => !known.has(server.id))];
}
