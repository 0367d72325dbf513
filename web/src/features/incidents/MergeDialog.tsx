// Several incidents that are one: choose the one that they go on in.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Incident } from "@/api/types";
import { useSettled } from "@/lib/hooks";
import { paths } from "@/paths";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { ErrorNotice, Loaded } from "@/ui/Panel";
import { IncidentStatus } from "@/ui/Status";
import { useAction } from "@/ui/useAction";
import { mergeTarget } from "./groups";

interface Props {
  /** One: the others that are open are offered. Several: one of them is the target. */
  incidents: Incident[];
  onClose: () => void;
  onMerged?: () => void;
}

const numbers = (incidents: readonly Incident[]) => incidents.map(({ number }) => `INC-${number}`).join(", ");

export function MergeDialog({ incidents, onClose, onMerged }: Props) {
  const [target, setTarget] = useState(() => (incidents.length > 1 ? mergeTarget(incidents) : undefined));
  const [, navigate] = useLocation();
  const sources = incidents.filter(({ number }) => number !== target?.number);
  const merge = useAction(
    async (into: Incident) => {
      for (const { number } of sources)
        await api.post("/incidents/{incident}/merge", {
          path: { incident: String(number) },
          body: { into: into.number },
        });
      return true;
    },
    {
      changes: ["incident", "alert"],
      done: target && `${numbers(sources)} merged into INC-${target.number}`,
    },
  );
  const submit = async () => {
    if (!target || !(await merge.start(target))) return;
    onClose();
    onMerged?.();
    navigate(paths.incident(target.number));
  };
  return (
    <Dialog title={`Merge ${numbers(incidents.length > 1 ? incidents : sources)}`} wide onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p className="dim">
          The open alerts, and whoever was told, go on in the incident you choose; the others end. This cannot
          be taken back.
        </p>
        {incidents.length > 1 ? (
          <Choices name="Goes on in" incidents={incidents} chosen={target} choose={setTarget} />
        ) : (
          <Search without={incidents} chosen={target} choose={setTarget} />
        )}
        {merge.error !== undefined && <ErrorNotice error={merge.error} title="Not merged" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="respond" busy={merge.busy} disabled={!target}>
            {target ? `Merge into INC-${target.number}` : "Merge"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

interface ChoiceProps {
  chosen: Incident | undefined;
  choose: (incident: Incident) => void;
}

/** Among all that are open. */
function Search({ without, chosen, choose }: ChoiceProps & { without: readonly Incident[] }) {
  const [q, setQ] = useState("");
  const settled = useSettled(q, 250);
  const open = useQuery(
    queries.incidents({ state: "triggered,acknowledged", q: settled.trim(), limit: "50" }),
  );
  const known = new Set(without.map(({ number }) => number));
  return (
    <>
      <TextField
        label="Search open incidents"
        type="search"
        value={q}
        onChange={setQ}
        placeholder="Words of the title"
        autoFocus
      />
      <Loaded query={open} lines={3}>
        {({ items }) => (
          <Choices
            name="Merge into"
            incidents={items.filter(({ number }) => !known.has(number))}
            chosen={chosen}
            choose={choose}
          />
        )}
      </Loaded>
    </>
  );
}

function Choices({
  name,
  incidents,
  chosen,
  choose,
}: ChoiceProps & { name: string; incidents: readonly Incident[] }) {
  return (
    <fieldset className="parameter-box stack tight">
      <legend className="label">{name}</legend>
      {incidents.length === 0 && <span className="meta">No other incident is open.</span>}
      {incidents.map((incident) => (
        <label key={incident.id} className="check">
          <input
            type="radio"
            name="merge-into"
            checked={chosen?.number === incident.number}
            onChange={() => choose(incident)}
          />
          <IncidentStatus incident={incident} />
          <span>
            INC-{incident.number} {incident.title}
            <span className="meta">
              {" "}
              {incident.service}, since <Ago at={incident.triggered_at} />
              {incident.acknowledged_by ? `, ${incident.acknowledged_by} has it` : ""}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
