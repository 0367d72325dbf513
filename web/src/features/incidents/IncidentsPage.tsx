// All incidents in three groups: what needs action comes first.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useAcknowledge } from "@/api/incident-actions";
import { queries } from "@/api/queries";
import type { Incident } from "@/api/types";
import { useSettled } from "@/lib/hooks";
import { formatSeconds } from "@/lib/units";
import { useUrlState } from "@/lib/url-state";
import { Button } from "@/ui/Button";
import { IncidentLine } from "@/ui/IncidentLine";
import { IncidentTabs } from "@/ui/IncidentTabs";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { toastError } from "@/ui/toast";
import { DrillDialog } from "./DrillDialog";
import { GROUPS, groupIncidents } from "./groups";
import { MergeDialog } from "./MergeDialog";

const STATES = [
  { value: "", label: "All" },
  ...GROUPS.map(({ state, title }) => ({ value: state as string, label: title })),
];
const STATS_SINCE = "now-7d";

export function IncidentsPage() {
  const [state, setState] = useUrlState("state");
  const [q, setQ] = useUrlState("q");
  const [severity, setSeverity] = useUrlState("severity");
  const [drill, setDrill] = useState(false);
  const settled = useSettled(q, 250);
  const incidents = useQuery(queries.incidents({ state, severity, q: settled, limit: "200" }));
  const filtered = state !== "" || settled !== "" || severity !== "";
  return (
    <Page
      title="Incidents"
      cli={`watchtower incident list${state ? ` --state ${state}` : ""}`}
      actions={
        <Button needs="respond" onClick={() => setDrill(true)}>
          Fire a drill
        </Button>
      }
    >
      <IncidentTabs />
      <Stats />
      <div className="row">
        {STATES.map(({ value, label }) => (
          <button
            key={value}
            type="button"
            className="chip"
            aria-pressed={state === value}
            onClick={() => setState(value)}
          >
            {label}
          </button>
        ))}
        <select
          className="select inline"
          aria-label="Severity"
          value={severity}
          onChange={(event) => setSeverity(event.target.value)}
        >
          <option value="">Any severity</option>
          {["critical", "error", "warning", "info"].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <input
          className="input grow"
          style={{ width: "auto" }}
          type="search"
          aria-label="Search incidents"
          placeholder="Search titles and labels"
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
      </div>
      <Loaded query={incidents} lines={8}>
        {({ items }) => (
          <Groups
            incidents={items}
            state={state}
            filtered={filtered}
            clear={() => {
              setState("");
              setQ("");
              setSeverity("");
            }}
          />
        )}
      </Loaded>
      {drill && <DrillDialog onClose={() => setDrill(false)} />}
    </Page>
  );
}

function Stats() {
  const { data } = useQuery(queries.incidentStats(STATS_SINCE));
  const tiles: [string, string, string][] = [
    ["Open", String(data?.open ?? "–"), "now"],
    ["Unacknowledged", String(data?.unacknowledged ?? "–"), "now"],
    [
      "Time to acknowledge",
      formatSeconds(data?.time_to_acknowledge_p50_seconds),
      `median of 7 days; p90 ${formatSeconds(data?.time_to_acknowledge_p90_seconds)}`,
    ],
    [
      "Time to resolve",
      formatSeconds(data?.time_to_resolve_p50_seconds),
      `median of 7 days; p90 ${formatSeconds(data?.time_to_resolve_p90_seconds)}`,
    ],
  ];
  return (
    <div className="tiles wide-only">
      {tiles.map(([name, value, note]) => (
        <div key={name} className="tile">
          <span className="name">{name}</span>
          <span className="value">{value}</span>
          <span className="note">{note}</span>
        </div>
      ))}
    </div>
  );
}

interface GroupsProps {
  incidents: Incident[];
  state: string;
  filtered: boolean;
  clear: () => void;
}

function Groups({ incidents, state, filtered, clear }: GroupsProps) {
  const groups = useMemo(() => groupIncidents(incidents), [incidents]);
  const { box, bar } = useSelection(incidents);
  const acknowledge = useAcknowledge();
  const ack = (incident: Incident) =>
    acknowledge(incident).catch((error) => toastError(`INC-${incident.number} not acknowledged`, error));
  if (incidents.length === 0) {
    return (
      <Panel>
        {filtered ? (
          <Empty title="No incident matches" action={<Button onClick={clear}>Clear filters</Button>} />
        ) : (
          <Empty title="No incidents yet">
            When a rule that pages fires, its incident appears here. Fire a drill to see the whole way of a
            page.
          </Empty>
        )}
      </Panel>
    );
  }
  return (
    <>
      {bar}
      {GROUPS.filter((group) => state === "" || state.split(",").includes(group.state)).map((group) => {
        const items = groups[group.state];
        return (
          <Panel key={group.state} flush title={`${group.title} (${items.length})`}>
            {items.length === 0 ? (
              <Empty title={group.state === "triggered" ? "Nothing needs action" : "None"} />
            ) : (
              <ul>
                {items.map((incident) => (
                  <IncidentLine
                    key={incident.id}
                    incident={incident}
                    select={incident.state !== "resolved" && box(incident)}
                    action={
                      incident.state === "triggered" && (
                        <Button
                          needs="respond"
                          aria-label={`Ack INC-${incident.number}`}
                          onClick={() => void ack(incident)}
                        >
                          Ack
                        </Button>
                      )
                    }
                  />
                ))}
              </ul>
            )}
          </Panel>
        );
      })}
    </>
  );
}

/** Open incidents that are selected to be merged: a box for each, and the bar that says what can be done. */
function useSelection(incidents: readonly Incident[]) {
  const [numbers, setNumbers] = useState<ReadonlySet<number>>(new Set());
  const [merging, setMerging] = useState(false);
  const selected = incidents.filter(({ number, state }) => numbers.has(number) && state !== "resolved");
  const toggle = (number: number) => {
    const next = new Set(numbers);
    if (!next.delete(number)) next.add(number);
    setNumbers(next);
  };
  const clear = () => setNumbers(new Set());
  const box = ({ number }: Incident) => (
    <input
      type="checkbox"
      aria-label={`Select INC-${number}`}
      checked={numbers.has(number)}
      onChange={() => toggle(number)}
    />
  );
  const bar = selected.length > 0 && (
    <div className="row" role="group" aria-label="Selected incidents">
      <span>{selected.length} selected</span>
      <Button needs="respond" disabled={selected.length < 2} onClick={() => setMerging(true)}>
        Merge
      </Button>
      <Button kind="quiet" onClick={clear}>
        Clear
      </Button>
      {merging && <MergeDialog incidents={selected} onClose={() => setMerging(false)} onMerged={clear} />}
    </div>
  );
  return { box, bar };
}
