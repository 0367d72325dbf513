// What one can do with an incident. On the phone it stays above the bottom bar, in the first view.
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { useAcknowledge } from "@/api/incident-actions";
import type { Incident } from "@/api/types";
import { useKey } from "@/lib/hooks";
import { alertMatchers } from "@/lib/matchers";
import { Button } from "@/ui/Button";
import { Confirm, Dialog } from "@/ui/Dialog";
import { AreaField } from "@/ui/Field";
import { Menu } from "@/ui/Menu";
import { ErrorNotice } from "@/ui/Panel";
import { SilenceDialog } from "@/ui/SilenceDialog";
import { toastError } from "@/ui/toast";
import { useAction } from "@/ui/useAction";
import { canReopen } from "./groups";
import { MergeDialog } from "./MergeDialog";

type Asking = "resolve" | "note" | "escalate" | "silence" | "merge" | "reopen";

export function ActionBar({ incident }: { incident: Incident }) {
  const [asking, setAsking] = useState<Asking>();
  const acknowledge = useAcknowledge();
  const path = { incident: String(incident.number) };
  const ack = () => void acknowledge(incident).catch((error) => toastError("Not acknowledged", error));
  const unack = useAction(() => api.post("/incidents/{incident}/unack", { path }), { changes: ["incident"] });
  useKey("a", ack, incident.state === "triggered");
  useKey("n", () => setAsking("note"));
  useKey("r", () => setAsking("resolve"), incident.state !== "resolved");
  const close = () => setAsking(undefined);
  return (
    <div className="action-bar" role="group" aria-label="Actions">
      {incident.state === "triggered" && (
        <Button
          kind="primary"
          needs="respond"
          onClick={ack}
          title="Acknowledge: pending pages are cancelled (a)"
        >
          Ack
        </Button>
      )}
      {incident.state === "acknowledged" && (
        <Button
          needs="respond"
          busy={unack.busy}
          onClick={() => void unack.start()}
          title="Back to unacknowledged"
        >
          Un-ack
        </Button>
      )}
      {incident.state !== "resolved" && (
        <Button needs="respond" onClick={() => setAsking("resolve")}>
          Resolve
        </Button>
      )}
      <Button needs="respond" onClick={() => setAsking("note")}>
        Note
      </Button>
      {incident.state !== "resolved" && (
        <Button needs="respond" onClick={() => setAsking("escalate")}>
          Escalate
        </Button>
      )}
      {incident.state !== "resolved" && (
        <Button
          needs="operate"
          title="Page nobody for such alerts until a time"
          onClick={() => setAsking("silence")}
        >
          Silence
        </Button>
      )}
      {incident.state !== "resolved" && (
        <Menu label="More to do" icon="more" className="button">
          <Button
            kind="quiet"
            className="menu-item"
            needs="respond"
            data-closes
            onClick={() => setAsking("merge")}
          >
            Merge into…
          </Button>
        </Menu>
      )}
      {canReopen(incident, Date.now()) && (
        <Button needs="respond" title="It is not over: page again" onClick={() => setAsking("reopen")}>
          Reopen
        </Button>
      )}
      {asking === "reopen" && (
        <Confirm
          title={`Reopen INC-${incident.number}`}
          verb="Reopen and page"
          run={() => api.post("/incidents/{incident}/reopen", { path })}
          onClose={close}
        >
          <p>It is open again with the alerts that its end closed, and the first step is paged at once.</p>
        </Confirm>
      )}
      {asking === "merge" && <MergeDialog incidents={[incident]} onClose={close} />}
      {asking === "silence" && <SilenceDialog matchers={silenced(incident)} onClose={close} />}
      {asking === "resolve" && <TextDialog kind="resolve" incident={incident} onClose={close} />}
      {asking === "note" && <TextDialog kind="note" incident={incident} onClose={close} />}
      {asking === "escalate" && (
        <Confirm
          title={`Escalate INC-${incident.number}`}
          verb="Page the next step now"
          run={() => api.post("/incidents/{incident}/escalate", { path })}
          onClose={close}
        >
          <p>The next step of the escalation policy is paged at once instead of when its time comes.</p>
        </Confirm>
      )}
    </div>
  );
}

/** What one would silence of it: the first open alert, where it is. */
function silenced(incident: Incident): string {
  const alerts = incident.alerts ?? [];
  const alert = alerts.find(({ state }) => state === "firing") ?? alerts[0];
  return alert ? alertMatchers(alert.labels, alert.summary, alert.server) : "";
}

interface TextDialogProps {
  kind: "resolve" | "note";
  incident: Incident;
  onClose: () => void;
}

function TextDialog({ kind, incident, onClose }: TextDialogProps) {
  const [text, setText] = useState("");
  const path = { incident: String(incident.number) };
  const send = useAction(
    async () => {
      if (kind === "note")
        await api.post("/incidents/{incident}/notes", { path, body: { text: text.trim() } });
      else await api.post("/incidents/{incident}/resolve", { path, body: { note: text.trim() || null } });
      return true;
    },
    { changes: ["incident"], done: kind === "note" ? "Note added" : `INC-${incident.number} resolved` },
  );
  const submit = async (event?: FormEvent) => {
    event?.preventDefault();
    if (kind === "note" && !text.trim()) return;
    if (await send.start()) onClose();
  };
  const verb = kind === "note" ? "Add the note" : "Resolve";
  return (
    <Dialog title={kind === "note" ? "Note" : `Resolve INC-${incident.number}`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <AreaField
          label={kind === "note" ? "Note" : "What was it, what did you do? (optional)"}
          value={text}
          onChange={setText}
          rows={4}
          autoFocus
          hint="Ctrl Enter sends."
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
          }}
        />
        {send.error !== undefined && <ErrorNotice error={send.error} title={`${verb} failed`} />}
        <div className="form-actions">
          <Button
            type="submit"
            kind="primary"
            needs="respond"
            busy={send.busy}
            disabled={kind === "note" && !text.trim()}
          >
            {verb}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
