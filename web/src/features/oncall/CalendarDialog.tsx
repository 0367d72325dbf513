// The link by which calendars read a schedule: made here, shown once.
import { useState } from "react";
import { api } from "@/api/client";
import type { Schedule } from "@/api/types";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";

export function CalendarDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const [url, setUrl] = useState<string>();
  const path = { schedule: schedule.id };
  const make = useAction(() => api.post("/schedules/{schedule}/calendar", { path }), {
    changes: ["schedule"],
  });
  const end = useAction(
    async () => {
      await api.delete("/schedules/{schedule}/calendar", { path });
      return true;
    },
    { changes: ["schedule"], done: "The link no longer works" },
  );
  const error = make.error ?? end.error;
  return (
    <Dialog title={`Calendar of ${schedule.name}`} onClose={onClose}>
      <div className="stack">
        <p>Calendars subscribe to a link. Whoever has it can read who is on call, and nothing else.</p>
        {url ? (
          <div className="notice tone-ok" role="status">
            <strong>Shown only now</strong>
            <code>{url}</code>
            <CopyButton text={url} />
          </div>
        ) : (
          schedule.has_calendar && <p>There is a link. A new one takes its place.</p>
        )}
        {error !== undefined && <ErrorNotice error={error} title="Could not change the link" />}
        <div className="form-actions">
          {!url && (
            <Button
              kind="primary"
              needs="operate"
              busy={make.busy}
              onClick={async () => setUrl((await make.start())?.url)}
            >
              Make a link
            </Button>
          )}
          {schedule.has_calendar && !url && (
            <Button
              kind="danger"
              needs="operate"
              busy={end.busy}
              onClick={async () => {
                if (await end.start()) onClose();
              }}
            >
              End the link
            </Button>
          )}
          <Button onClick={onClose}>Close</Button>
        </div>
      </div>
    </Dialog>
  );
}
