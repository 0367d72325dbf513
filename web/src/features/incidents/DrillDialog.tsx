// A drill: a real incident through the real way, marked TEST and left out of the statistics.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Severity } from "@/api/types";
import { shellWord } from "@/lib/shell";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Cli } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";

const SEVERITIES: { value: Severity; label: string }[] = [
  { value: "critical", label: "Critical" },
  { value: "error", label: "Error" },
  { value: "warning", label: "Warning" },
  { value: "info", label: "Info" },
];

export function DrillDialog({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState("Drill: please acknowledge");
  const [severity, setSeverity] = useState<Severity>("critical");
  const [service, setService] = useState("");
  const [, navigate] = useLocation();
  const services = useQuery(queries.services());
  const choices = [
    { value: "", label: "As the routes decide" },
    ...(services.data?.items ?? []).map(({ name }) => ({ value: name, label: name })),
  ];
  const fire = useAction(
    () =>
      api.post("/incidents", {
        body: { title: title.trim(), severity, service: service || null, test: true },
      }),
    { changes: ["incident"] },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const incident = await fire.start();
    if (!incident) return;
    onClose();
    navigate(paths.incident(incident.number));
  };
  return (
    <Dialog title="Fire a drill" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p className="dim">
          It pages people for real, is marked TEST everywhere, and does not count in the statistics.
        </p>
        <TextField label="Title" value={title} onChange={setTitle} error={fire.fieldError("title")} />
        <div className="form-columns">
          <SelectField label="Severity" value={severity} choices={SEVERITIES} onChange={setSeverity} />
          <SelectField label="Service" value={service} choices={choices} onChange={setService} />
        </div>
        {fire.error !== undefined && <ErrorNotice error={fire.error} title="Could not fire the drill" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs="respond" busy={fire.busy} disabled={!title.trim()}>
            Fire the drill
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
        <Cli command={`watchtower incident test --title ${shellWord(title)} --severity ${severity}`} />
      </form>
    </Dialog>
  );
}
