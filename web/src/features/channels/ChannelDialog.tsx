// Make or change a channel. A stored secret stays when its *** is left alone.
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import type { Channel, ChannelInput } from "@/api/types";
import { Button } from "@/ui/Button";
import { ChannelFields } from "@/ui/ChannelFields";
import { CHANNEL_KINDS, emptyConfig, missingIn } from "@/ui/channelKinds";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { WordsFields } from "./WordsFields";
import { hasOwnWords } from "./words";

export function ChannelDialog({ channel, onClose }: { channel?: Channel; onClose: () => void }) {
  const [draft, setDraft] = useState<ChannelInput>(() => ({
    name: channel?.name ?? "",
    config: channel?.config ?? emptyConfig("webhook"),
    enabled: channel?.enabled ?? true,
    catch_all: channel?.catch_all ?? false,
    templates: channel?.templates,
  }));
  const [ownWords, setOwnWords] = useState(() => hasOwnWords(draft.templates));
  const [missing, setMissing] = useState<string>();
  const save = useAction(
    () => {
      const body = { ...draft, name: draft.name.trim() };
      if (!channel) return api.post("/channels", { body });
      return api.put("/channels/{channel}", { path: { channel: channel.id }, body });
    },
    { changes: ["channel"], done: "Channel saved: send a test to be sure that it arrives" },
  );
  const set = (change: Partial<ChannelInput>) => setDraft((now) => ({ ...now, ...change }));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const problem = draft.name.trim() ? missingIn(draft.config) : "Enter a name.";
    setMissing(problem);
    if (!problem && (await save.start())) onClose();
  };
  return (
    <Dialog title={channel ? `Edit ${channel.name}` : "New channel"} onClose={onClose} wide={ownWords}>
      <form className="stack" onSubmit={submit}>
        <div className="form-columns">
          <TextField
            label="Name"
            value={draft.name}
            onChange={(name) => set({ name })}
            error={save.fieldError("name")}
            placeholder="ops chat"
          />
          <SelectField
            label="Kind"
            value={draft.config.kind}
            choices={CHANNEL_KINDS}
            onChange={(kind) => set({ config: emptyConfig(kind) })}
          />
        </div>
        <ChannelFields config={draft.config} onChange={(config) => set({ config })} />
        <CheckField
          label="Own words"
          hint="Templates for what it says, with a preview."
          checked={ownWords}
          onChange={(own) => {
            setOwnWords(own);
            if (!own) set({ templates: undefined });
          }}
        />
        {ownWords && <WordsFields draft={draft} onChange={set} />}
        <CheckField
          label="Catch-all"
          hint="Hears of incidents that nobody answered."
          checked={draft.catch_all ?? false}
          onChange={(catch_all) => set({ catch_all })}
        />
        <CheckField
          label="Enabled"
          checked={draft.enabled ?? true}
          onChange={(enabled) => set({ enabled })}
        />
        {missing && (
          <p className="error" role="alert">
            {missing}
          </p>
        )}
        {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="operate" busy={save.busy}>
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
