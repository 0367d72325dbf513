// Do now what the clock does when it is due; a gate that says no is shown with its reason.
import { useState } from "react";
import { api } from "@/api/client";
import type { Automation, Firing } from "@/api/types";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/Panel";
import { Targets } from "@/ui/Targets";
import { useAction } from "@/ui/useAction";
import { Gates } from "./Gates";

export function FireDialog({ automation, onClose }: { automation: Automation; onClose: () => void }) {
  const [refused, setRefused] = useState<Firing>();
  const fire = useAction(
    () => api.post("/automations/{automation}/fire", { path: { automation: automation.id } }),
    { changes: ["automation", "run"] },
  );
  const start = async () => {
    const firing = await fire.start();
    if (firing?.state === "skipped") setRefused(firing);
    else if (firing) onClose();
  };
  return (
    <Dialog title={`Fire ${automation.name} now`} onClose={onClose}>
      <div className="stack">
        <p>
          It does now what it does when it is due, by your right, through the same gates
          {automation.mode === "observe" && ": in this mode it only notes what it would do"}.
        </p>
        <Targets on={automation.on ?? ""} />
        {refused && (
          <div className="notice tone-warn" role="alert">
            <strong>It did not run: {refused.reason}</strong>
            <Gates gates={refused.gates} />
          </div>
        )}
        {fire.error !== undefined && <ErrorNotice error={fire.error} title="Could not fire" />}
        <div className="form-actions">
          <Button kind="primary" icon="run" needs="operate" busy={fire.busy} onClick={() => void start()}>
            Fire now
          </Button>
          <Button onClick={onClose}>{refused ? "Close" : "Cancel"}</Button>
        </div>
      </div>
    </Dialog>
  );
}
