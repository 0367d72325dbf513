// Put somebody on call for a while, or take somebody off.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Schedule } from "@/api/types";
import { zoneName } from "@/lib/time";
import { EditDialog } from "@/ui/EditDialog";
import { SelectField, TextField } from "@/ui/Field";
import { inputOf, KINDS, missingIn, newOverride } from "./override";

export function OverrideDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const users = useQuery(queries.users());
  const [draft, setDraft] = useState(newOverride);
  const set = (change: Partial<typeof draft>) => setDraft({ ...draft, ...change });
  const people = (users.data?.items ?? [])
    .filter((user) => !user.disabled)
    .map((user) => ({ value: user.id, label: user.name }));
  return (
    <EditDialog
      title={`Override ${schedule.name}`}
      missing={missingIn(draft)}
      needs="respond"
      changes={["schedule"]}
      save={() =>
        api.post("/schedules/{schedule}/overrides", {
          path: { schedule: schedule.id },
          body: inputOf(draft),
        })
      }
      onClose={onClose}
    >
      <SelectField label="What" value={draft.kind} choices={KINDS} onChange={(kind) => set({ kind })} />
      <SelectField
        label="Who"
        value={draft.user}
        choices={[{ value: "", label: "Choose a person" }, ...people]}
        onChange={(user) => set({ user })}
      />
      {draft.kind === "replace" && (
        <SelectField
          label="Instead of"
          value={draft.insteadOf}
          choices={[{ value: "", label: "everybody, all the time" }, ...people]}
          onChange={(insteadOf) => set({ insteadOf })}
          hint="One person's place is taken only while that person would be on call."
        />
      )}
      <div className="form-pair long">
        <TextField
          label={`From (${zoneName()})`}
          type="datetime-local"
          value={draft.from}
          onChange={(from) => set({ from })}
        />
        <TextField
          label={`To (${zoneName()})`}
          type="datetime-local"
          value={draft.to}
          onChange={(to) => set({ to })}
        />
      </div>
    </EditDialog>
  );
}
