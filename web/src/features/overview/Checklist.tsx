// The way from an empty hub to one that reaches a person; ticks itself, however it was done.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { queries } from "@/api/queries";
import { useStored } from "@/lib/stored";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { Glyph } from "@/ui/Status";

interface Step {
  text: string;
  href: string;
  /** Undefined while it is not known. */
  done: boolean | undefined;
}

function useSteps(active: boolean): Step[] {
  const servers = useInfiniteQuery({ ...queries.servers(), enabled: active });
  const channels = useQuery({ ...queries.channels(), enabled: active });
  const rules = useQuery({ ...queries.rules(), enabled: active });
  const drills = useQuery({ ...queries.incidents({ limit: "50" }), enabled: active });
  const users = useQuery({ ...queries.users(), enabled: active });
  const count = servers.data?.pages.reduce((sum, page) => sum + page.items.length, 0);
  return [
    { text: "Add a server", href: paths.serverAdd, done: count === undefined ? undefined : count > 1 },
    {
      text: "Name the channel that hears when nobody answers",
      href: paths.channels,
      done: channels.data?.items.some((channel) => channel.catch_all),
    },
    {
      text: "Send a test message that arrives",
      href: paths.channels,
      done: channels.data?.items.some((channel) => channel.last_delivered_at != null),
    },
    {
      text: "Choose which rules page",
      href: paths.rules,
      done: rules.data?.items.some((rule) => rule.enabled && rule.paging),
    },
    {
      text: "Fire a drill and acknowledge it",
      href: paths.incidents,
      done: drills.data?.items.some((incident) => incident.test && incident.acknowledged_at != null),
    },
    {
      text: "Add a second person",
      href: paths.settings("users"),
      done: users.data && users.data.items.length > 1,
    },
  ];
}

export function Checklist() {
  const [hidden, setHidden] = useStored("checklist", "shown");
  const steps = useSteps(hidden !== "hidden");
  const done = steps.filter((step) => step.done === true).length;
  const known = steps.every((step) => step.done !== undefined);
  if (hidden === "hidden" || !known || done === steps.length) return null;
  return (
    <Panel
      title={`Getting started: ${done} of ${steps.length}`}
      actions={
        <Button kind="quiet" small onClick={() => setHidden("hidden")}>
          Dismiss
        </Button>
      }
    >
      <ul className="checklist">
        {steps.map((step) => (
          <li key={step.text} className="row">
            <Glyph tone={step.done ? "ok" : "unknown"} />
            {step.done ? (
              <span className="meta">{step.text} (done)</span>
            ) : (
              <Link href={step.href}>{step.text}</Link>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
