// Jobs that say that they ran. One that does not is an incident.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Heartbeat } from "@/api/types";
import { formatSeconds } from "@/lib/units";
import { Ago, At, Due } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { DeleteButton } from "@/ui/EditDialog";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { Status } from "@/ui/Status";
import { type Column, Table } from "@/ui/Table";
import { HeartbeatDialog } from "./HeartbeatDialog";
import { PING_TONES, rhythmOf, STATES } from "./heartbeat";

type Open = (what: { edit?: Heartbeat | "new"; pings?: Heartbeat }) => void;

function columns(open: Open): Column<Heartbeat>[] {
  return [
    {
      key: "name",
      head: "Heartbeat",
      main: true,
      cell: (one) => (
        <>
          <strong>{one.name}</strong>
          <div className="sub">{rhythmOf(one)}</div>
        </>
      ),
    },
    {
      key: "state",
      head: "State",
      cell: (one) => (
        <>
          <Status tone={STATES[one.state].tone}>{STATES[one.state].word}</Status>
          {one.state === "new" && <div className="sub">for its first ping</div>}
          {one.due_at && (
            <div className="sub">
              missed <Due at={one.due_at} />
            </div>
          )}
        </>
      ),
    },
    { key: "last", head: "Last ping", low: true, cell: (one) => <Ago at={one.last_ping_at} /> },
    {
      key: "took",
      head: "Took",
      low: true,
      num: true,
      cell: (one) => formatSeconds(one.last_duration_seconds),
    },
    {
      key: "actions",
      head: "",
      cell: (one) => (
        <div className="row">
          <Button small aria-label={`Pings of ${one.name}`} onClick={() => open({ pings: one })}>
            Pings
          </Button>
          <Button small needs="operate" aria-label={`Edit ${one.name}`} onClick={() => open({ edit: one })}>
            Edit
          </Button>
          <DeleteButton
            what={one.name}
            consequence="Its pings are refused from then on, and its alert ends."
            needs="operate"
            changes={["heartbeat"]}
            run={() => api.delete("/heartbeats/{heartbeat}", { path: { heartbeat: one.id } })}
          />
        </div>
      ),
    },
  ];
}

export function Heartbeats() {
  const heartbeats = useQuery(queries.heartbeats());
  const [shown, open] = useState<Parameters<Open>[0]>({});
  const close = () => open({});
  return (
    <Panel
      flush
      title="Jobs that say that they ran"
      actions={
        <Button small icon="plus" needs="operate" onClick={() => open({ edit: "new" })}>
          New heartbeat
        </Button>
      }
    >
      <Loaded query={heartbeats}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No heartbeats">
              A job calls its address when it has run; when it does not, there is an incident.
            </Empty>
          ) : (
            <Table label="Heartbeats" rows={items} columns={columns(open)} rowKey={(one) => one.id} />
          )
        }
      </Loaded>
      {shown.edit && (
        <HeartbeatDialog heartbeat={shown.edit === "new" ? undefined : shown.edit} onClose={close} />
      )}
      {shown.pings && <Pings heartbeat={shown.pings} onClose={close} />}
    </Panel>
  );
}

function Pings({ heartbeat, onClose }: { heartbeat: Heartbeat; onClose: () => void }) {
  const pings = useQuery(queries.pings(heartbeat.id));
  const command = `curl -fsS -m 10 --retry 5 ${heartbeat.url}`;
  return (
    <Dialog title={`Pings of ${heartbeat.name}`} wide onClose={onClose}>
      <div className="stack">
        <div>
          <div className="label">At the end of the job</div>
          <pre className="code-block">{command}</pre>
          <CopyButton text={command} />
        </div>
        <Loaded query={pings}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Nothing came yet">
                It is not missed before its first ping. Add /start, /fail, /log or an exit code.
              </Empty>
            ) : (
              <ul className="stack">
                {items.map((ping) => (
                  <li key={`${ping.at} ${ping.kind}`}>
                    <Status tone={PING_TONES[ping.kind]}>
                      {ping.kind}
                      {ping.exit_code != null && ` ${ping.exit_code}`}
                    </Status>{" "}
                    <At at={ping.at} />
                    {ping.duration_seconds != null && ` after ${formatSeconds(ping.duration_seconds)}`}{" "}
                    <span className="dim">{ping.sent_by}</span>
                    {ping.body && <pre className="code-block">{ping.body}</pre>}
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </div>
    </Dialog>
  );
}
