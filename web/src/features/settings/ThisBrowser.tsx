// Pages as notifications of the browser that one sits at: on, off, tried out.
import { useState } from "react";
import { api } from "@/api/client";
import type { User } from "@/api/types";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/Panel";
import { Status } from "@/ui/Status";
import { useAction } from "@/ui/useAction";
import { channelOf, obstacle, subscribe, unsubscribe } from "./push";

const CHANGES = ["user", "me", "channel"];

export function ThisBrowser({ user }: { user: User }) {
  const channel = channelOf(user.channels);
  const on = useAction(subscribe, { changes: CHANGES, done: "This browser is notified" });
  const off = useAction(unsubscribe, { changes: CHANGES, done: "This browser is notified no more" });
  const test = useAction((path: { channel: string }) => api.post("/me/browsers/{channel}/test", { path }), {
    changes: ["channel"],
  });
  const [refused, setRefused] = useState<string>();
  const tryOut = async (path: string) => {
    const result = await test.start({ channel: path });
    setRefused(result && !result.delivered ? result.detail : undefined);
  };
  const wrong = obstacle();
  const error = on.error ?? off.error ?? test.error;
  return (
    <fieldset className="parameter-box stack tight">
      <legend className="label">This browser</legend>
      {channel ? (
        <>
          <Status tone="ok">Pages are shown as notifications here</Status>
          <div className="row">
            <Button small busy={test.busy} onClick={() => void tryOut(channel)}>
              Send a test here
            </Button>
            <Button small kind="quiet" busy={off.busy} onClick={() => void off.start(channel)}>
              Stop notifying this browser
            </Button>
          </div>
        </>
      ) : wrong ? (
        <p className="meta">{wrong}</p>
      ) : (
        <>
          <p className="meta">
            Its maker's push service carries them, and cannot read them. On an iPhone or iPad, add the
            dashboard to the Home Screen first.
          </p>
          <div>
            <Button small busy={on.busy} onClick={() => void on.start()}>
              Notify this browser
            </Button>
          </div>
        </>
      )}
      {refused && (
        <p className="error" role="alert">
          {refused}
        </p>
      )}
      {error !== undefined && <ErrorNotice error={error} title="That did not work" />}
    </fieldset>
  );
}
