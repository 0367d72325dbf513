// What would page, and how it does now.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { Link, useLocation } from "wouter";
import { queries } from "@/api/queries";
import type { Rule } from "@/api/types";
import { useKey } from "@/lib/hooks";
import { writeSeconds } from "@/lib/units";
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Badge, Status, severityTone } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";

export function stateOf(rule: Rule): string {
  if (!rule.enabled) return "off";
  if (rule.last_error) return "error";
  if (rule.firing > 0) return "firing";
  return rule.pending > 0 ? "pending" : "ok";
}

function RuleState({ rule }: { rule: Rule }) {
  switch (stateOf(rule)) {
    case "off":
      return <Status tone="muted">off</Status>;
    case "error":
      return <Status tone="warn">cannot be evaluated</Status>;
    case "firing":
      return <Status tone={severityTone(rule.severity)}>firing {rule.firing}</Status>;
    case "pending":
      return <Status tone="unknown">pending {rule.pending}</Status>;
    default:
      return <Status tone="ok">ok</Status>;
  }
}

const ORDER = ["firing", "error", "pending", "ok", "off"];

const COLUMNS: Column<Rule>[] = [
  {
    key: "state",
    head: "State",
    cell: (rule) => <RuleState rule={rule} />,
    sort: (rule) => ORDER.indexOf(stateOf(rule)),
  },
  {
    key: "name",
    head: "Rule",
    main: true,
    cell: (rule) => (
      <>
        <div className="row">
          <Link href={paths.rule(rule.id)}>{rule.name}</Link>
          {rule.builtin && <Badge tone="unknown">built in</Badge>}
          {rule.kind === "recording" && <Badge tone="unknown">stored result</Badge>}
        </div>
        <div className="sub mono clip">
          {rule.record && `${rule.record} = `}
          {rule.expr ?? `event ${rule.event_kind}`}
        </div>
        {rule.last_error && <div className="sub">{rule.last_error}</div>}
      </>
    ),
    sort: (rule) => rule.name,
  },
  {
    key: "severity",
    head: "Severity",
    low: true,
    cell: (rule) => (rule.kind === "recording" ? "" : rule.severity),
    sort: (rule) => rule.severity,
  },
  {
    key: "for",
    head: "For",
    low: true,
    cell: (rule) =>
      rule.kind === "metric" ? writeSeconds(rule.for_seconds) : rule.kind === "event" ? "at once" : "",
    sort: (rule) => rule.for_seconds,
  },
  {
    key: "paging",
    head: "Pages",
    cell: (rule) =>
      rule.paging ? (
        "yes"
      ) : (
        <span className="meta">{rule.kind === "recording" ? "stored" : "only shown"}</span>
      ),
    sort: (rule) => (rule.paging ? "a" : "b"),
  },
];

export function RulesPage() {
  const [q, setQ] = useUrlState("q");
  const [state, setState] = useUrlState("state");
  const rules = useQuery(queries.rules());
  const search = useRef<HTMLInputElement>(null);
  const [, navigate] = useLocation();
  useKey("/", (event) => {
    event.preventDefault();
    search.current?.focus();
  });
  useKey("c", () => navigate(paths.ruleNew));
  return (
    <Page
      title="Rules"
      cli="watchtower rule list"
      actions={
        <Link className="button primary" href={paths.ruleNew}>
          New rule
        </Link>
      }
    >
      <div className="row">
        <input
          ref={search}
          className="input grow"
          style={{ width: "auto" }}
          type="search"
          aria-label="Filter rules"
          placeholder="Filter by name or expression"
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        {["", ...ORDER].map((name) => (
          <button
            key={name}
            type="button"
            className="chip"
            aria-pressed={state === name}
            onClick={() => setState(name)}
          >
            {name || "All"} {rules.data ? count(rules.data.items, name) : ""}
          </button>
        ))}
      </div>
      <Panel flush>
        <Loaded query={rules} lines={8}>
          {({ items }) => <Listed rules={items} q={q} state={state} clear={() => [setQ(""), setState("")]} />}
        </Loaded>
      </Panel>
    </Page>
  );
}

function count(rules: readonly Rule[], state: string): number {
  return state === "" ? rules.length : rules.filter((rule) => stateOf(rule) === state).length;
}

function Listed({ rules, q, state, clear }: { rules: Rule[]; q: string; state: string; clear: () => void }) {
  const shown = useMemo(() => {
    const needle = q.toLowerCase();
    return rules
      .filter((rule) => state === "" || stateOf(rule) === state)
      .filter((rule) =>
        `${rule.name} ${rule.expr ?? ""} ${rule.event_kind ?? ""}`.toLowerCase().includes(needle),
      );
  }, [rules, q, state]);
  if (rules.length === 0) {
    return <Empty title="No rules">A rule says when something is wrong. Write the first one.</Empty>;
  }
  if (shown.length === 0) {
    return (
      <Empty title={`0 of ${rules.length} match`} action={<Button onClick={clear}>Clear filters</Button>} />
    );
  }
  return (
    <Table
      label="Rules"
      rows={shown}
      columns={COLUMNS}
      rowKey={(rule) => rule.id}
      href={(rule) => paths.rule(rule.id)}
      sortBy="state"
    />
  );
}
