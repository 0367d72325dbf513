// One layer of a schedule: who, in which turns, and at which times only.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { Weekday } from "@/api/types";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { type LayerDraft, newRestriction, type RestrictionDraft, UNITS, WEEK } from "./draft";

interface Props {
  layer: LayerDraft;
  onChange: (part: Partial<LayerDraft>) => void;
  onRemove: () => void;
}

const toggled = <T,>(list: readonly T[], one: T): T[] =>
  list.includes(one) ? list.filter((other) => other !== one) : [...list, one];

export function LayerFields({ layer, onChange, onRemove }: Props) {
  const restrict = (key: number, part: Partial<RestrictionDraft>) =>
    onChange({
      restrictions: layer.restrictions.map((one) => (one.key === key ? { ...one, ...part } : one)),
    });
  return (
    <fieldset className="parameter-box stack tight">
      <legend className="label">{layer.name || "Layer"}</legend>
      <TextField label="Layer" value={layer.name} onChange={(name) => onChange({ name })} />
      <People layer={layer} onChange={onChange} />
      <div className="form-pair">
        <TextField
          label="A turn takes"
          value={layer.length}
          onChange={(length) => onChange({ length })}
          inputMode="numeric"
        />
        <SelectField
          label="Unit"
          value={layer.unit}
          choices={UNITS}
          onChange={(unit) => onChange({ unit })}
        />
        <TextField
          label="Handed over at"
          type="time"
          value={layer.handoff}
          onChange={(handoff) => onChange({ handoff })}
        />
        <TextField
          label="First turn on"
          type="date"
          value={layer.start}
          onChange={(start) => onChange({ start })}
        />
      </div>
      {layer.restrictions.map((one, index) => (
        <RestrictionFields
          key={one.key}
          index={index}
          restriction={one}
          onChange={(part) => restrict(one.key, part)}
          onRemove={() =>
            onChange({ restrictions: layer.restrictions.filter((other) => other.key !== one.key) })
          }
        />
      ))}
      <div className="row">
        <Button
          small
          icon="plus"
          onClick={() => onChange({ restrictions: [...layer.restrictions, newRestriction()] })}
        >
          Only at some times
        </Button>
        <Button small kind="quiet" icon="trash" onClick={onRemove}>
          Remove the layer
        </Button>
      </div>
    </fieldset>
  );
}

function People({ layer, onChange }: Omit<Props, "onRemove">) {
  const users = useQuery(queries.users());
  const nameOf = (id: string) => users.data?.items.find((user) => user.id === id)?.name ?? "somebody removed";
  // Somebody who was removed must be seen, to be taken out.
  const gone = layer.participants.filter((id) => !users.data?.items.some((user) => user.id === id));
  const ids = [...(users.data?.items ?? []).filter((user) => !user.disabled).map((user) => user.id), ...gone];
  const shown = [...ids, ...layer.participants.filter((id) => !ids.includes(id))];
  return (
    <div className="stack tight">
      <div className="row" role="group" aria-label={`People of ${layer.name}`}>
        {shown.map((id) => (
          <button
            key={id}
            type="button"
            className="chip"
            aria-pressed={layer.participants.includes(id)}
            onClick={() => onChange({ participants: toggled(layer.participants, id) })}
          >
            {nameOf(id)}
          </button>
        ))}
      </div>
      <span className="meta">
        {layer.participants.length > 0
          ? `In turn: ${layer.participants.map(nameOf).join(", then ")}`
          : "In the order in which they are chosen"}
      </span>
    </div>
  );
}

interface RestrictionProps {
  index: number;
  restriction: RestrictionDraft;
  onChange: (part: Partial<RestrictionDraft>) => void;
  onRemove: () => void;
}

const END_DAYS: { value: Weekday | ""; label: string }[] = [
  { value: "", label: "the same day, or the next" },
  ...WEEK.map((day) => ({ value: day, label: day })),
];

function RestrictionFields({ index, restriction, onChange, onRemove }: RestrictionProps) {
  return (
    <div className="stack tight" role="group" aria-label={`Restriction ${index + 1}`}>
      <div className="row">
        <span className="label">Only on</span>
        {WEEK.map((day) => (
          <button
            key={day}
            type="button"
            className="chip"
            aria-pressed={restriction.days.includes(day)}
            onClick={() => onChange({ days: toggled(restriction.days, day) })}
          >
            {day}
          </button>
        ))}
        <Button kind="quiet" icon="trash" aria-label={`Remove restriction ${index + 1}`} onClick={onRemove} />
      </div>
      <div className="form-pair">
        <TextField
          label="From"
          type="time"
          value={restriction.from}
          onChange={(from) => onChange({ from })}
        />
        <TextField label="To" type="time" value={restriction.to} onChange={(to) => onChange({ to })} />
        <SelectField
          label="Ends on"
          value={restriction.to_day}
          choices={END_DAYS}
          onChange={(to_day) => onChange({ to_day })}
        />
      </div>
    </div>
  );
}
