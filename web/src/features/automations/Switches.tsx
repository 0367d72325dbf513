// On or off, and how far it goes by itself: changed here without opening the form.
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Automation } from "@/api/types";
import { Button } from "@/ui/Button";
import { ErrorNotice, Panel } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { MODES } from "./AutomationDialog";
import { type Draft, draftOf, inputOf } from "./draft";
import { standsWords } from "./sentence";

export function Switches({ automation }: { automation: Automation }) {
  const id = useId();
  const save = useAction(
    (change: Partial<Draft>) =>
      api.put("/automations/{automation}", {
        path: { automation: automation.id },
        body: inputOf({ ...draftOf(automation), ...change }),
      }),
    { changes: ["automation"], done: "Saved" },
  );
  return (
    <Panel title="Switches">
      <div className="stack">
        <div className="row">
          <span>{automation.enabled ? "It is on." : "It is off: it does nothing."}</span>
          <Button
            small
            needs="admin"
            busy={save.busy}
            onClick={() => void save.start({ enabled: !automation.enabled })}
          >
            {automation.enabled ? "Disable" : "Enable"}
          </Button>
        </div>
        <div className="stack tight" role="group" aria-labelledby={id}>
          <span id={id} className="meta">
            How far it goes by itself
          </span>
          {MODES.map(({ value, label }) => (
            <Button
              key={value}
              small
              needs="admin"
              aria-pressed={automation.mode === value}
              onClick={() => automation.mode !== value && void save.start({ mode: value })}
            >
              {label}
            </Button>
          ))}
        </div>
        <StandsFor automation={automation} />
        {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save" />}
      </div>
    </Panel>
  );
}

/** Whose right counts whenever it acts, and the way to make it one's own. */
function StandsFor({ automation }: { automation: Automation }) {
  const me = useQuery(queries.me());
  const take = useAction(
    () => api.post("/automations/{automation}/take-over", { path: { automation: automation.id } }),
    { changes: ["automation"], done: "It acts by your right now" },
  );
  const own = me.data?.name === automation.stands_for;
  return (
    <div className="stack tight">
      <p className="meta">{standsWords(automation, own)}</p>
      {!own && !automation.team && (
        <Button small needs="admin" busy={take.busy} onClick={() => void take.start()}>
          Take it over
        </Button>
      )}
      {take.error !== undefined && <ErrorNotice error={take.error} title="Could not take it over" />}
    </div>
  );
}
