// Make or change a service.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Schemas } from "@/api/client";
import { queries } from "@/api/queries";
import type { Service } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { EditDialog } from "@/ui/EditDialog";
import { SelectField, TextField } from "@/ui/Field";

const timeText = (seconds: number | null | undefined) => (seconds == null ? "" : writeSeconds(seconds));
const timeValue = (text: string) => (text ? (parseSeconds(text) ?? null) : null);

function draftOf(service: Service | undefined) {
  return {
    name: service?.name ?? "",
    description: service?.description ?? "",
    policy: service?.policy_id ?? "",
    team: service?.team_id ?? "",
    ack: timeText(service?.ack_timeout_seconds),
    autoResolve: timeText(service?.auto_resolve_seconds),
    hold: timeText(service?.hold_pages_for_seconds),
    group: timeText(service?.group_window_seconds),
    calm: timeText(service?.resolve_delay_seconds),
    reopen: timeText(service?.reopen_window_seconds),
    runbook: service?.runbook_url ?? "",
  };
}

type Draft = ReturnType<typeof draftOf>;

function missingIn(draft: Draft, policy: string): string | undefined {
  if (!draft.name.trim()) return "Enter a name.";
  if (!policy) return "Make an escalation policy first.";
  const times = [draft.ack, draft.autoResolve, draft.hold, draft.group, draft.calm, draft.reopen].filter(
    Boolean,
  );
  return times.some((text) => parseSeconds(text) === undefined) ? "Write times as 30m or 4h." : undefined;
}

function inputOf(draft: Draft, policy: string): Schemas["ServiceInput"] {
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    policy_id: policy,
    team_id: draft.team || null,
    ack_timeout_seconds: timeValue(draft.ack),
    auto_resolve_seconds: timeValue(draft.autoResolve),
    hold_pages_for_seconds: timeValue(draft.hold),
    group_window_seconds: timeValue(draft.group),
    resolve_delay_seconds: timeValue(draft.calm),
    reopen_window_seconds: timeValue(draft.reopen),
    runbook_url: draft.runbook.trim() || null,
  };
}

const choices = (items: { id: string; name: string }[] | undefined) =>
  (items ?? []).map(({ id, name }) => ({ value: id, label: name }));

export function ServiceDialog({ service, onClose }: { service?: Service; onClose: () => void }) {
  const policies = useQuery(queries.policies());
  const teams = useQuery(queries.teams());
  const [draft, setDraft] = useState(() => draftOf(service));
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const policy = draft.policy || policies.data?.items[0]?.id || "";
  const save = () => {
    const body = inputOf(draft, policy);
    if (!service) return api.post("/services", { body });
    return api.put("/services/{service}", { path: { service: service.id }, body });
  };
  return (
    <EditDialog
      title={service ? `Edit ${service.name}` : "New service"}
      missing={missingIn(draft, policy)}
      needs="operate"
      changes={["service"]}
      save={save}
      onClose={onClose}
    >
      <TextField label="Name" value={draft.name} onChange={(name) => set({ name })} />
      <TextField
        label="What it is"
        value={draft.description}
        onChange={(description) => set({ description })}
      />
      <div className="form-columns">
        <SelectField
          label="Escalation policy"
          value={policy}
          choices={choices(policies.data?.items)}
          onChange={(id) => set({ policy: id })}
        />
        <SelectField
          label="Team"
          value={draft.team}
          choices={[{ value: "", label: "none" }, ...choices(teams.data?.items)]}
          onChange={(team) => set({ team })}
        />
      </div>
      <Times draft={draft} set={set} />
      <TextField label="Runbook" type="url" value={draft.runbook} onChange={(runbook) => set({ runbook })} />
    </EditDialog>
  );
}

function Times({ draft, set }: { draft: Draft; set: (change: Partial<Draft>) => void }) {
  return (
    <div className="form-columns">
      <TextField
        label="An ack lasts"
        value={draft.ack}
        onChange={(ack) => set({ ack })}
        placeholder="for good"
        hint="Then it pages again."
      />
      <TextField
        label="Resolves itself after"
        value={draft.autoResolve}
        onChange={(autoResolve) => set({ autoResolve })}
        placeholder="never"
      />
      <TextField
        label="Hold the first page"
        value={draft.hold}
        onChange={(hold) => set({ hold })}
        placeholder="no"
        hint="While a repair runs."
      />
      <TextField
        label="Alerts share an incident for"
        value={draft.group}
        onChange={(group) => set({ group })}
        placeholder="60s"
        hint="Of one rule, one soon after the other. 0s: each its own."
      />
      <TextField
        label="Ends when its alerts stayed away for"
        value={draft.calm}
        onChange={(calm) => set({ calm })}
        placeholder="0s"
        hint="For what comes and goes."
      />
      <TextField
        label="Is the same incident again within"
        value={draft.reopen}
        onChange={(reopen) => set({ reopen })}
        placeholder="0s"
        hint="After its end, at most a day. 0s: another incident."
      />
    </div>
  );
}
