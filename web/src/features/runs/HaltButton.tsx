// Stops all work on servers, for the moment when something goes very wrong.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import { Button } from "@/ui/Button";
import { Cli } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";

export function HaltButton() {
  const { data: halt } = useQuery(queries.halt());
  const [asking, setAsking] = useState(false);
  if (halt?.on) return null;
  return (
    <>
      <Button kind="danger" needs="operate" onClick={() => setAsking(true)}>
        Halt all work
      </Button>
      {asking && <HaltDialog onClose={() => setAsking(false)} />}
    </>
  );
}

function HaltDialog({ onClose }: { onClose: () => void }) {
  const [reason, setReason] = useState("");
  const halt = useAction(() => api.put("/halt", { body: { reason } }), { changes: ["halt", "run"] });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await halt.start()) onClose();
  };
  return (
    <Dialog title="Halt all work on servers" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>
          Nothing starts any more, by people or by automations, and what runs is cancelled. What waits stays
          where it is until somebody ends the halt. Monitoring and paging go on.
        </p>
        <TextField
          label="Why"
          value={reason}
          onChange={setReason}
          hint="For those who find everything stopped."
          error={halt.fieldError("reason")}
          autoFocus
        />
        {halt.error !== undefined && <ErrorNotice error={halt.error} title="Could not halt" />}
        <div className="form-actions">
          <Button type="submit" kind="danger" needs="operate" busy={halt.busy} disabled={!reason.trim()}>
            Halt all work
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
        <Cli command={`watchtower run halt '${reason.replace(/'/g, "'\\''")}'`} />
      </form>
    </Dialog>
  );
}
