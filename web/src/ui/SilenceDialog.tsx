// A new silence, or a changed one: for which alerts, until when, and why.
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import type { Silence } from "@/api/types";
import { bare } from "@/lib/matchers";
import { toLocalInput } from "@/lib/time";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { TextField } from "./Field";
import { ErrorNotice } from "./Panel";
import { useAction } from "./useAction";

const HOUR_MS = 3_600_000;
const LENGTHS = [
  { label: "1 hour", ms: HOUR_MS },
  { label: "4 hours", ms: 4 * HOUR_MS },
  { label: "1 day", ms: 24 * HOUR_MS },
  { label: "1 week", ms: 7 * 24 * HOUR_MS },
];

interface Props {
  /** What is changed; absent: a new one is made. */
  old?: Silence;
  /** What a new one begins with. */
  matchers?: string;
  onClose: () => void;
}

export function SilenceDialog({ old, matchers: begin = "", onClose }: Props) {
  const [matchers, setMatchers] = useState(old ? bare(old.matchers) : begin);
  const [until, setUntil] = useState(() =>
    toLocalInput(old ? new Date(old.ends_at) : new Date(Date.now() + HOUR_MS)),
  );
  const [comment, setComment] = useState(old?.comment ?? "");
  const save = useAction(
    () => {
      const body = { matchers, comment: comment.trim(), ends_at: new Date(until).toISOString() };
      if (!old) return api.post("/silences", { body });
      return api.put("/silences/{silence}", { path: { silence: old.id }, body });
    },
    { changes: ["silence"], done: "Saved" },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await save.start()) onClose();
  };
  return (
    <Dialog title={old ? "Change the silence" : "Page nobody for some alerts"} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <TextField
          label="Alerts with these labels"
          value={matchers}
          onChange={setMatchers}
          placeholder={'alertname="Disk full",env="test"'}
          hint="Their own and their server's: all of them must match. =~ takes a regular expression."
          error={save.fieldError("matchers")}
          mono
          autoFocus={!matchers}
        />
        <div>
          <TextField
            label="Until"
            type="datetime-local"
            value={until}
            onChange={setUntil}
            error={save.fieldError("ends_at")}
            required
          />
          <div className="row" role="group" aria-label="For how long" style={{ marginTop: "var(--s2)" }}>
            {LENGTHS.map(({ label, ms }) => (
              <button
                key={label}
                type="button"
                className="chip"
                onClick={() => setUntil(toLocalInput(new Date(Date.now() + ms)))}
              >
                {label}
              </button>
            ))}
          </div>
        </div>
        <TextField
          label="Why"
          value={comment}
          onChange={setComment}
          placeholder="moving the data to the new disks"
          error={save.fieldError("comment")}
          autoFocus={!!matchers}
        />
        {save.error !== undefined && <ErrorNotice error={save.error} title="Could not save" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="operate" busy={save.busy}>
            {old ? "Save" : "Silence"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
