// Shifts that their people offer: taken here, or withdrawn.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Schedule, ShiftSwap } from "@/api/types";
import { formatExact, zoneName } from "@/lib/time";
import { Button } from "@/ui/Button";
import { DeleteButton, EditDialog } from "@/ui/EditDialog";
import { CheckField, TextField } from "@/ui/Field";

export function Swaps({ schedule }: { schedule: Schedule }) {
  const users = useQuery(queries.users());
  const [taking, setTaking] = useState<ShiftSwap>();
  const nameOf = (id: string) => users.data?.items.find((user) => user.id === id)?.name ?? "somebody removed";
  if (schedule.swaps.length === 0) return null;
  return (
    <ul aria-label={`Offered shifts of ${schedule.name}`}>
      {schedule.swaps.map((swap) => (
        <li key={swap.id} className="list-row row">
          <span className="grow">
            <strong>{nameOf(swap.user_id)} offers</strong> {formatExact(swap.from_at)} to{" "}
            {formatExact(swap.to_at)}
            {swap.in_return && (
              <>
                {" "}
                for {formatExact(swap.in_return.from_at)} to {formatExact(swap.in_return.to_at)}
              </>
            )}
            {swap.note && <span className="meta"> {swap.note}</span>}
          </span>
          <Button
            small
            needs="respond"
            aria-label={`Take the shift of ${nameOf(swap.user_id)}`}
            onClick={() => setTaking(swap)}
          >
            Take
          </Button>
          <DeleteButton
            what={`the offer of ${nameOf(swap.user_id)}`}
            verb="Withdraw"
            consequence="The shift stays whose it is."
            needs="respond"
            changes={["schedule"]}
            run={() =>
              api.delete("/schedules/{schedule}/swaps/{swap}", {
                path: { schedule: schedule.id, swap: swap.id },
              })
            }
          />
        </li>
      ))}
      {taking && (
        <EditDialog
          title={`Take the shift of ${nameOf(taking.user_id)}`}
          verb="Take it"
          needs="respond"
          changes={["schedule"]}
          save={() =>
            api.post("/schedules/{schedule}/swaps/{swap}/take", {
              path: { schedule: schedule.id, swap: taking.id },
              body: {},
            })
          }
          onClose={() => setTaking(undefined)}
        >
          <p>
            You are on call for {schedule.name} from {formatExact(taking.from_at)} to{" "}
            {formatExact(taking.to_at)}.
          </p>
          {taking.in_return && (
            <p>
              {nameOf(taking.user_id)} takes your place from {formatExact(taking.in_return.from_at)} to{" "}
              {formatExact(taking.in_return.to_at)}.
            </p>
          )}
        </EditDialog>
      )}
    </ul>
  );
}

const instant = (text: string) => (text ? new Date(text).toISOString() : null);

export function SwapDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const [draft, setDraft] = useState({ from: "", to: "", wants: false, wantFrom: "", wantTo: "", note: "" });
  const set = (change: Partial<typeof draft>) => setDraft({ ...draft, ...change });
  const missing =
    draft.wants && !(draft.wantFrom && draft.wantTo) ? "Enter which shift you want." : undefined;
  const time = (label: string, key: "from" | "to" | "wantFrom" | "wantTo", hint?: string) => (
    <TextField
      label={`${label} (${zoneName()})`}
      type="datetime-local"
      value={draft[key]}
      hint={hint}
      onChange={(value) => set({ [key]: value })}
    />
  );
  const wanted = () => ({ from_at: instant(draft.wantFrom) ?? "", to_at: instant(draft.wantTo) ?? "" });
  return (
    <EditDialog
      title={`Offer a shift of ${schedule.name}`}
      missing={missing}
      needs="respond"
      changes={["schedule"]}
      save={() =>
        api.post("/schedules/{schedule}/swaps", {
          path: { schedule: schedule.id },
          body: {
            from_at: instant(draft.from),
            to_at: instant(draft.to),
            in_return: draft.wants ? wanted() : null,
            note: draft.note,
          },
        })
      }
      onClose={onClose}
    >
      <div className="form-pair long">
        {time("From", "from", "Your next shift, when both are empty.")}
        {time("To", "to")}
      </div>
      <CheckField
        label="Only against another shift"
        checked={draft.wants}
        onChange={(wants) => set({ wants })}
      />
      {draft.wants && (
        <div className="form-pair long">
          {time("You take over from", "wantFrom")}
          {time("You take over to", "wantTo")}
        </div>
      )}
      <TextField label="Note" value={draft.note} onChange={(note) => set({ note })} />
    </EditDialog>
  );
}
