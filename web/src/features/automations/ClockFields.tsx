// Started by the clock: when, where, and what if something is in the way.
import { CronPreview } from "@/ui/CronPreview";
import { SelectField, TextField } from "@/ui/Field";
import { RolloutFields, rolloutDraft, rolloutOf } from "@/ui/RolloutFields";
import { Targets } from "@/ui/Targets";
import { ZoneField } from "@/ui/ZoneField";
import type { Draft, Problems } from "./draft";

const COMMON = [
  { cron: "0 * * * *", label: "each hour" },
  { cron: "30 3 * * *", label: "each night" },
  { cron: "30 3 * * mon", label: "each Monday" },
  { cron: "0 6 * * mon-fri", label: "each working day" },
  { cron: "0 4 1 * *", label: "each month" },
];

const OVERLAPS: { value: Draft["overlap"]; label: string }[] = [
  { value: "skip", label: "Skip this one" },
  { value: "queue", label: "Wait for it, one at most" },
  { value: "allow", label: "Run beside it" },
];

interface Props {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problems: Problems;
  fieldError: (field: string) => string | undefined;
}

export function When({ draft, set, problems, fieldError }: Props) {
  return (
    <>
      <div className="form-columns">
        <TextField
          label="Starts at"
          value={draft.cron}
          onChange={(cron) => set({ cron })}
          placeholder="30 3 * * *"
          error={problems.cron ?? fieldError("cron")}
          mono
        />
        <ZoneField
          value={draft.timezone}
          onChange={(timezone) => set({ timezone })}
          error={problems.timezone ?? fieldError("timezone")}
        />
      </div>
      <div className="row" role="group" aria-label="Common times">
        {COMMON.map(({ cron, label }) => (
          <button
            key={cron}
            type="button"
            className="chip"
            aria-pressed={draft.cron === cron}
            onClick={() => set({ cron })}
          >
            {label}
          </button>
        ))}
      </div>
      <CronPreview cron={draft.cron} timezone={draft.timezone} />
    </>
  );
}

export function Where({ draft, set, problems, fieldError }: Props) {
  return (
    <>
      <TextField
        label="On which servers"
        value={draft.on}
        onChange={(on) => set({ on })}
        placeholder={'env="prod",role="web"   or   name="web-1"'}
        hint="Label matchers over the servers' labels and name, asked again each time."
        error={problems.on ?? fieldError("on")}
        mono
      />
      <Targets on={draft.on} />
      <details className="more">
        <summary>Not all at once</summary>
        <RolloutFields
          draft={rolloutDraft(draft.rollout)}
          set={(change) => set({ rollout: rolloutOf({ ...rolloutDraft(draft.rollout), ...change }) })}
          fieldError={fieldError}
        />
      </details>
      <div className="form-columns">
        <SelectField
          label="While an earlier run is not over"
          value={draft.overlap}
          choices={OVERLAPS}
          onChange={(overlap) => set({ overlap })}
        />
        <TextField
          label="Make up for a missed one for"
          value={draft.grace}
          onChange={(grace) => set({ grace })}
          placeholder="never"
          hint="If no hub ran when it was due, and it is not older."
          error={problems.grace ?? fieldError("missed_grace_seconds")}
        />
      </div>
    </>
  );
}
