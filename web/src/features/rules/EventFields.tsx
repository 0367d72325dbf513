// A rule on events: the kind, labels that must match, the kind that resolves it.
import { TextField } from "@/ui/Field";
import type { PartProps } from "./parts";

export function EventFields({ draft, set, problems }: PartProps) {
  return (
    <>
      <div className="form-columns">
        <TextField
          label="Kind of event"
          value={draft.eventKind}
          onChange={(eventKind) => set({ eventKind })}
          error={problems.eventKind}
          hint="unit.* matches any rest."
          mono
        />
        <TextField
          label="Resolved by kind"
          value={draft.resolveKind}
          onChange={(resolveKind) => set({ resolveKind })}
          placeholder="unit.recovered"
          hint="Empty: a person resolves it."
          mono
        />
      </div>
      <TextField
        label="Labels must match"
        value={draft.eventMatchers}
        onChange={(eventMatchers) => set({ eventMatchers })}
        placeholder={'unit=~"nginx.*",env="prod"'}
        hint="Optional."
        mono
      />
    </>
  );
}
