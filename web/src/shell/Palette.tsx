// Go anywhere by name: pages, servers, incidents, rules, scripts.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { queries } from "@/api/queries";
import { fuzzyScore } from "@/lib/fuzzy";
import { paths } from "@/paths";
import { DESTINATIONS, SETTINGS } from "./Nav";

interface Entry {
  label: string;
  kind: string;
  href: string;
}

const SHOWN_MAX = 12;

const PAGES: Entry[] = [
  ...[...DESTINATIONS, SETTINGS].map(({ label, href }) => ({ label, href, kind: "page" })),
  { label: "Add a server", href: paths.serverAdd, kind: "action" },
  { label: "Add servers by SSH", href: paths.serverAddBySsh, kind: "action" },
  { label: "New rule", href: paths.ruleNew, kind: "action" },
  { label: "New script", href: paths.scriptNew, kind: "action" },
  { label: "Automations", href: paths.automations, kind: "page" },
  { label: "Users", href: paths.settings("users"), kind: "page" },
  { label: "API tokens", href: paths.settings("tokens"), kind: "page" },
  { label: "SSH credentials and host keys", href: paths.settings("ssh"), kind: "page" },
  { label: "Keys of the hub", href: paths.settings("keys"), kind: "page" },
  { label: "Agents and their versions", href: paths.agents, kind: "page" },
  { label: "Audit log", href: paths.settings("audit"), kind: "page" },
];

function useEntries(): Entry[] {
  const servers = useInfiniteQuery(queries.servers());
  const incidents = useQuery(queries.incidents({ state: "triggered,acknowledged" }));
  const rules = useQuery(queries.rules());
  const scripts = useQuery(queries.scripts());
  return useMemo(
    () => [
      ...PAGES,
      ...(incidents.data?.items ?? []).map((incident) => ({
        label: `INC-${incident.number} ${incident.title}`,
        kind: "incident",
        href: paths.incident(incident.number),
      })),
      ...(servers.data?.pages.flatMap((page) => page.items) ?? []).map((server) => ({
        label: server.name,
        kind: "server",
        href: paths.server(server.id),
      })),
      ...(rules.data?.items ?? []).map((rule) => ({
        label: rule.name,
        kind: "rule",
        href: paths.rule(rule.id),
      })),
      ...(scripts.data?.items ?? []).map((script) => ({
        label: script.name,
        kind: "script",
        href: paths.script(script.id),
      })),
    ],
    [servers.data, incidents.data, rules.data, scripts.data],
  );
}

function best(entries: Entry[], needle: string): Entry[] {
  return entries
    .map((entry) => ({ entry, score: fuzzyScore(needle, entry.label) }))
    .filter((hit): hit is { entry: Entry; score: number } => hit.score !== undefined)
    .sort((a, b) => b.score - a.score)
    .slice(0, SHOWN_MAX)
    .map((hit) => hit.entry);
}

export function Palette({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const [, navigate] = useLocation();
  const [needle, setNeedle] = useState("");
  const [at, setAt] = useState(0);
  const entries = useEntries();
  const hits = useMemo(() => best(entries, needle), [entries, needle]);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  const go = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    navigate(entry.href);
  };
  const move = (by: number) => setAt((now) => (hits.length ? (now + by + hits.length) % hits.length : 0));
  return (
    <dialog
      ref={ref}
      className="dialog palette"
      aria-label="Search"
      onCancel={onClose}
      onClick={(event) => event.target === ref.current && onClose()}
      onKeyDown={(event) => {
        if (event.key === "ArrowDown") move(1);
        else if (event.key === "ArrowUp") move(-1);
        else if (event.key === "Enter") go(hits[at]);
        else return;
        event.preventDefault();
      }}
    >
      <input
        className="input"
        role="combobox"
        aria-label="Search pages, servers, incidents, rules and scripts"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={hits[at] ? `palette-${at}` : undefined}
        placeholder="Go to a page, server, incident, rule or script"
        value={needle}
        onChange={(event) => {
          setNeedle(event.target.value);
          setAt(0);
        }}
      />
      <div className="palette-list" id="palette-list" role="listbox" aria-label="Results">
        {hits.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above has the keys
          <div
            key={entry.href}
            id={`palette-${index}`}
            className="palette-item"
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onPointerMove={() => setAt(index)}
            onClick={() => go(entry)}
          >
            {entry.label}
            <span className="kind">{entry.kind}</span>
          </div>
        ))}
      </div>
      {hits.length === 0 && <div className="empty">Nothing is called that.</div>}
    </dialog>
  );
}
