// Make or change a schedule.
import { useState } from "react";
import { api } from "@/api/client";
import type { Schedule } from "@/api/types";
import { Button } from "@/ui/Button";
import { EditDialog } from "@/ui/EditDialog";
import { TextField } from "@/ui/Field";
import { ZoneField } from "@/ui/ZoneField";
import { draftOf, inputOf, type LayerDraft, missingIn, newLayer } from "./draft";
import { LayerFields } from "./LayerFields";

interface Props {
  schedule?: Schedule;
  onClose: () => void;
}

export function ScheduleDialog({ schedule, onClose }: Props) {
  const [draft, setDraft] = useState(() => draftOf(schedule));
  const set = (change: Partial<typeof draft>) => setDraft({ ...draft, ...change });
  const change = (key: number, part: Partial<LayerDraft>) =>
    set({ layers: draft.layers.map((layer) => (layer.key === key ? { ...layer, ...part } : layer)) });
  const body = inputOf(draft);
  return (
    <EditDialog
      title={schedule ? `Edit ${schedule.name}` : "New schedule"}
      missing={missingIn(draft)}
      needs="operate"
      changes={["schedule"]}
      save={() =>
        schedule
          ? api.put("/schedules/{schedule}", { path: { schedule: schedule.id }, body })
          : api.post("/schedules", { body })
      }
      onClose={onClose}
    >
      <TextField label="Name" value={draft.name} onChange={(name) => set({ name })} />
      <ZoneField
        value={draft.timezone}
        onChange={(timezone) => set({ timezone })}
        hint="Its clocks count for all times below."
      />
      {draft.layers.map((layer) => (
        <LayerFields
          key={layer.key}
          layer={layer}
          onChange={(part) => change(layer.key, part)}
          onRemove={() => set({ layers: draft.layers.filter((one) => one.key !== layer.key) })}
        />
      ))}
      <div>
        <Button
          small
          icon="plus"
          onClick={() => set({ layers: [...draft.layers, newLayer(draft.layers.length)] })}
        >
          Add a layer
        </Button>
      </div>
      {schedule && (
        <p className="meta">
          It counts from now on; the past stays as it was. Whoever has the turn keeps it when only the people
          change.
        </p>
      )}
    </EditDialog>
  );
}
