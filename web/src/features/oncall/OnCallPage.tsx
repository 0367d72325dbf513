// On-call: who has it now, who has it next, and where nobody does.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Schedule } from "@/api/types";
import { At } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { DeleteButton } from "@/ui/EditDialog";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Status } from "@/ui/Status";
import { CalendarDialog } from "./CalendarDialog";
import { OverrideDialog } from "./OverrideDialog";
import { words } from "./override";
import { Rota } from "./Rota";
import { ScheduleDialog } from "./ScheduleDialog";
import { SwapDialog, Swaps } from "./Swaps";

export function OnCallPage() {
  const schedules = useQuery(queries.schedules());
  const [adding, setAdding] = useState(false);
  return (
    <Page
      title="On-call"
      cli="watchtower on-call"
      actions={
        <Button kind="primary" needs="operate" onClick={() => setAdding(true)}>
          New schedule
        </Button>
      }
    >
      <Loaded query={schedules} lines={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Panel>
              <Empty title="No schedules yet">
                A schedule says who is on call when. A policy that names it pages whoever that is at the time.
              </Empty>
            </Panel>
          ) : (
            items.map((schedule) => <SchedulePanel key={schedule.id} schedule={schedule} />)
          )
        }
      </Loaded>
      {adding && <ScheduleDialog onClose={() => setAdding(false)} />}
    </Page>
  );
}

type Open = "edit" | "override" | "swap" | "calendar";

function SchedulePanel({ schedule }: { schedule: Schedule }) {
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <Panel title={schedule.name} actions={<span className="meta">{schedule.timezone}</span>}>
      <div className="stack">
        {schedule.description && <p className="dim">{schedule.description}</p>}
        <Now schedule={schedule} />
        {schedule.warnings.length > 0 && (
          <div className="notice tone-warn" role="status">
            {schedule.warnings.map((warning) => (
              <span key={warning}>{warning}</span>
            ))}
          </div>
        )}
        <Rota schedule={schedule} />
        <Overrides schedule={schedule} />
        <Swaps schedule={schedule} />
        <div className="form-actions">
          <Button
            needs="respond"
            aria-label={`Offer a shift of ${schedule.name}`}
            onClick={() => setOpen("swap")}
          >
            Offer a shift
          </Button>
          <Button
            needs="respond"
            aria-label={`Override ${schedule.name}`}
            onClick={() => setOpen("override")}
          >
            Override
          </Button>
          <Button needs="operate" aria-label={`Edit ${schedule.name}`} onClick={() => setOpen("edit")}>
            Edit
          </Button>
          <Button
            needs="operate"
            aria-label={`Calendar of ${schedule.name}`}
            onClick={() => setOpen("calendar")}
          >
            Calendar
          </Button>
          <DeleteButton
            what={schedule.name}
            consequence="Nobody is on call by it any more. Policies that page it must page somebody else first."
            needs="operate"
            changes={["schedule"]}
            run={() => api.delete("/schedules/{schedule}", { path: { schedule: schedule.id } })}
          />
        </div>
      </div>
      {open === "edit" && <ScheduleDialog schedule={schedule} onClose={close} />}
      {open === "override" && <OverrideDialog schedule={schedule} onClose={close} />}
      {open === "swap" && <SwapDialog schedule={schedule} onClose={close} />}
      {open === "calendar" && <CalendarDialog schedule={schedule} onClose={close} />}
    </Panel>
  );
}

function Now({ schedule }: { schedule: Schedule }) {
  if (schedule.on_call.length === 0) return <Status tone="crit">Nobody is on call now</Status>;
  return (
    <ul aria-label={`On call now for ${schedule.name}`}>
      {schedule.on_call.map((person) => (
        <li key={`${person.user_id} ${person.layer ?? person.override_id}`} className="dots">
          <strong>{person.user}</strong>
          <span>
            until {person.until} {schedule.timezone}
          </span>
          <span className="meta">{person.layer ?? "override"}</span>
        </li>
      ))}
    </ul>
  );
}

function Overrides({ schedule }: { schedule: Schedule }) {
  const users = useQuery(queries.users());
  const nameOf = (id: string) => users.data?.items.find((user) => user.id === id)?.name ?? "somebody removed";
  if (schedule.overrides.length === 0) return null;
  return (
    <ul aria-label={`Overrides of ${schedule.name}`}>
      {schedule.overrides.map((one) => (
        <li key={one.id} className="list-row row">
          <span className="grow">
            <strong>{words(one, nameOf)}</strong>{" "}
            <span className="meta">
              <At at={one.from_at} /> to <At at={one.to_at} />, by {one.created_by}
            </span>
          </span>
          <DeleteButton
            what={`the override: ${words(one, nameOf)}`}
            verb="End"
            consequence="The layers count again from now on."
            needs="respond"
            changes={["schedule"]}
            run={() =>
              api.delete("/schedules/{schedule}/overrides/{override}", {
                path: { schedule: schedule.id, override: one.id },
              })
            }
          />
        </li>
      ))}
    </ul>
  );
}
