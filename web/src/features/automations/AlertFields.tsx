// Started by alerts: which, and how often.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { SelectField, TextField } from "@/ui/Field";
import type { Draft, Problems } from "./draft";

interface Props {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problems: Problems;
  fieldError: (field: string) => string | undefined;
}

export function byName(items: { id: string; name: string }[] | undefined, none: string) {
  return [{ value: "", label: none }, ...(items ?? []).map(({ id, name }) => ({ value: id, label: name }))];
}

export function Which({ draft, set, problems, fieldError }: Props) {
  const rules = useQuery(queries.rules());
  return (
    <div className="form-columns">
      <SelectField
        label="When this rule fires"
        value={draft.rule}
        choices={byName(rules.data?.items, "any alert that matches")}
        onChange={(rule) => set({ rule })}
      />
      {draft.rule === "" && (
        <TextField
          label="Alerts that match"
          value={draft.matchers}
          onChange={(matchers) => set({ matchers })}
          placeholder={'alertname="NginxDown"'}
          error={problems.trigger ?? fieldError("matchers")}
          mono
        />
      )}
    </div>
  );
}

export function HowOften({ draft, set, problems, fieldError }: Props) {
  return (
    <>
      <div className="form-columns">
        <TextField
          label="Wait between attempts"
          value={draft.cooldown}
          onChange={(cooldown) => set({ cooldown })}
          error={problems.cooldown ?? fieldError("cooldown_seconds")}
        />
        <TextField
          label="Attempts per incident"
          value={draft.attempts}
          onChange={(attempts) => set({ attempts })}
          inputMode="numeric"
          error={problems.attempts ?? fieldError("attempts_per_incident")}
        />
        <TextField
          label="Must help within"
          value={draft.verify}
          onChange={(verify) => set({ verify })}
          placeholder="as the rule needs"
          error={problems.verify ?? fieldError("verify_within_seconds")}
        />
      </div>
      <p className="meta">
        It acts on the alert's own server only. When it does not help, a person is paged at once.
      </p>
    </>
  );
}
