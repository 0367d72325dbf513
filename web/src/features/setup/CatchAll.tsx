// The channel that hears of incidents nobody answered. It can be left for later; the overview reminds of it.
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import type { ChannelConfig } from "@/api/types";
import { Button } from "@/ui/Button";
import { ChannelFields } from "@/ui/ChannelFields";
import { CHANNEL_KINDS, emptyConfig, missingIn } from "@/ui/channelKinds";
import { SelectField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { Status } from "@/ui/Status";
import { useAction } from "@/ui/useAction";

export function CatchAll({ onDone }: { onDone: () => void }) {
  const [config, setConfig] = useState<ChannelConfig>(emptyConfig("webhook"));
  const [result, setResult] = useState<{ delivered: boolean; detail: string }>();
  const [missing, setMissing] = useState<string>();
  const create = useAction(
    async () => {
      const body = { name: "catch-all", config, enabled: true, catch_all: true };
      const channel = await api.post("/channels", { body });
      return api.post("/channels/{channel}/test", { path: { channel: channel.id } });
    },
    { changes: ["channel"] },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const problem = missingIn(config);
    setMissing(problem);
    if (problem) return;
    const test = await create.start();
    if (test) setResult(test);
  };
  return (
    <form className="panel stack" onSubmit={submit}>
      <h1>Who hears when nobody answers?</h1>
      <p className="dim">
        When an escalation ends without an answer, the incident goes to this channel. Without one it would be
        lost.
      </p>
      {result ? (
        <>
          <Status tone={result.delivered ? "ok" : "crit"}>
            {result.delivered ? "Test message delivered" : "Test message not delivered"}
          </Status>
          <p className="mono">{result.detail}</p>
          {!result.delivered && <p>The channel is saved. Mend it on the Channels page.</p>}
          <Button kind="primary" onClick={onDone}>
            Go to the dashboard
          </Button>
        </>
      ) : (
        <>
          <SelectField
            label="Kind"
            value={config.kind}
            choices={CHANNEL_KINDS}
            onChange={(kind) => setConfig(emptyConfig(kind))}
          />
          <ChannelFields config={config} onChange={setConfig} />
          {missing && (
            <p className="error" role="alert">
              {missing}
            </p>
          )}
          {create.error !== undefined && <ErrorNotice error={create.error} title="Could not save" />}
          <div className="form-actions">
            <Button type="submit" kind="primary" busy={create.busy}>
              Save and send a test
            </Button>
            <Button onClick={onDone}>Skip for now</Button>
          </div>
        </>
      )}
    </form>
  );
}
