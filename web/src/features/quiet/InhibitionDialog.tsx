// An inhibition, written: the cause, what follows from it, and what both have in common.
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import type { Inhibition } from "@/api/types";
import { bare } from "@/lib/matchers";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";

interface Props {
  old?: Inhibition;
  onClose: () => void;
}

const names = (text: string) =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);

export function InhibitionDialog({ old, onClose }: Props) {
  const [name, setName] = useState(old?.name ?? "");
  const [source, setSource] = useState(bare(old?.source ?? ""));
  const [target, setTarget] = useState(bare(old?.target ?? ""));
  const [equal, setEqual] = useState(old ? old.equal.join(", ") : "instance");
  const [comment, setComment] = useState(old?.comment ?? "");
  const [enabled, setEnabled] = useState(old?.enabled ?? true);
  const save = useAction(
    () => {
      const body = {
        name: name.trim(),
        source,
        target,
        equal: names(equal),
        comment: comment.trim(),
        enabled,
      };
      if (!old) return api.post("/inhibitions", { body });
      return api.put("/inhibitions/{inhibition}", { path: { inhibition: old.id }, body });
    },
    { changes: ["inhibition"], done: "Saved" },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await save.start()) onClose();
  };
  return (
    <Dialog title={old ? `Change ${old.name}` : "New inhibition"} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          placeholder="site is cut off"
          error={save.fieldError("name")}
          autoFocus={!old}
        />
        <TextField
          label="While there is an alert with these labels"
          value={source}
          onChange={setSource}
          placeholder={'alertname="Site unreachable"'}
          hint="Its own and its server's: all of them must match."
          error={save.fieldError("source")}
          mono
        />
        <TextField
          label="Nobody is paged for alerts with these"
          value={target}
          onChange={setTarget}
          placeholder={'alertname!="Site unreachable"'}
          error={save.fieldError("target")}
          mono
        />
        <TextField
          label="If they have the same"
          value={equal}
          onChange={setEqual}
          placeholder="instance, site"
          hint="Names of labels, by commas. One that both lack is the same; none at all means any two alerts."
          error={save.fieldError("equal")}
          mono
        />
        <TextField
          label="Why (optional)"
          value={comment}
          onChange={setComment}
          error={save.fieldError("comment")}
        />
        {old && <CheckField label="It counts" checked={enabled} onChange={setEnabled} />}
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
