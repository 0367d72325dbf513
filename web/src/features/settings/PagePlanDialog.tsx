// Who would be paged for a service, when and how, if an incident began now and nobody answered.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { PagePlan, Service } from "@/api/types";
import { writeSeconds } from "@/lib/units";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { type Choice, SelectField } from "@/ui/Field";
import { Loaded } from "@/ui/Panel";

type Urgency = PagePlan["urgency"];
const URGENCIES: readonly Choice<Urgency>[] = [
  { value: "high", label: "high: severity error and critical" },
  { value: "low", label: "low: severity info and warning" },
];

export function PagePlanDialog({ service, onClose }: { service: Service; onClose: () => void }) {
  const [urgency, setUrgency] = useState<Urgency>("high");
  const plan = useQuery(queries.pagePlan(service.id, urgency));
  return (
    <Dialog title={`Who is paged for ${service.name}`} onClose={onClose}>
      <div className="stack">
        <SelectField
          label="An incident that began now, of urgency"
          value={urgency}
          choices={URGENCIES}
          onChange={setUrgency}
        />
        <Loaded query={plan}>{(data) => <Plan plan={data} />}</Loaded>
        <div className="form-actions">
          <Button onClick={onClose}>Close</Button>
        </div>
      </div>
    </Dialog>
  );
}

function Plan({ plan }: { plan: PagePlan }) {
  return (
    <>
      {plan.warnings.map((warning) => (
        <p key={warning} className="notice tone-warn">
          {warning}
        </p>
      ))}
      <ol className="stack tight">
        {plan.messages.map((message) => (
          <li key={`${message.after_seconds} ${message.target} ${message.person} ${message.channel_id}`}>
            <strong>
              {message.after_seconds === 0 ? "at once" : `after ${writeSeconds(message.after_seconds)}`}
            </strong>{" "}
            {message.person ? `${message.person} by ${message.channel}` : `channel ${message.channel}`}
            <div className="sub">
              step {message.step}: {message.target}
            </div>
          </li>
        ))}
      </ol>
      <p className="meta">Then {plan.then}.</p>
    </>
  );
}
