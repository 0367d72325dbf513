// What became of the due times of a cron trigger, each with its reason.
import { Link } from "wouter";
import type { Firing } from "@/api/types";
import { paths } from "@/paths";
import { Ago, At } from "@/ui/Ago";
import { Empty } from "@/ui/Panel";
import { firingTone, Status, words } from "@/ui/Status";
import { Gates } from "./Gates";

export function Firings({ firings }: { firings: readonly Firing[] }) {
  if (firings.length === 0) return <Empty title="It was not due yet" />;
  return (
    <ul>
      {firings.map((firing) => (
        <FiringRow key={firing.id} firing={firing} />
      ))}
    </ul>
  );
}

function FiringRow({ firing }: { firing: Firing }) {
  return (
    <li className="list-row stack tight">
      <div className="row">
        <Status tone={firingTone[firing.state]}>{words(firing.state)}</Status>
        <At at={firing.due_at} />
        <span className="meta dots">
          <Ago at={firing.due_at} />
          {firing.run_number != null && (
            <Link href={paths.run(firing.run_number)}>run {firing.run_number}</Link>
          )}
          {firing.by && <span>by hand, {firing.by}</span>}
          {firing.passed > 0 && <span>{firing.passed} before it were missed too</span>}
        </span>
      </div>
      {firing.reason && <p className="dim">{firing.reason}</p>}
      {firing.left_out.length > 0 && <p className="dim">Left out: {firing.left_out.join("; ")}</p>}
      <Gates gates={firing.gates} />
    </li>
  );
}
