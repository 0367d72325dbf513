// Channels: will it really reach a person?
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Channel } from "@/api/types";
import { formatSeconds } from "@/lib/units";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { CHANNEL_KINDS, targetOf } from "@/ui/channelKinds";
import { Confirm } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Empty, ErrorNotice, Loaded, Panel } from "@/ui/Panel";
import { Badge, Status } from "@/ui/Status";
import { useAction } from "@/ui/useAction";
import { ChannelDialog } from "./ChannelDialog";

export function ChannelsPage() {
  const channels = useQuery(queries.channels());
  const [editing, setEditing] = useState<Channel | "new">();
  const noCatchAll =
    channels.data && !channels.data.items.some((channel) => channel.catch_all && channel.enabled);
  return (
    <Page
      title="Channels"
      cli="watchtower channel list"
      actions={
        <Button kind="primary" needs="operate" onClick={() => setEditing("new")}>
          New channel
        </Button>
      }
    >
      {noCatchAll && (
        <div className="notice tone-warn" role="status">
          <strong>No channel hears of incidents that nobody answers</strong>
          <span>Make one channel the catch-all, so that a page is never lost.</span>
        </div>
      )}
      <Loaded query={channels} lines={5}>
        {({ items }) =>
          items.length === 0 ? (
            <Panel>
              <Empty title="No channels yet">
                Webhook, chat or mail: a channel is how a page reaches people.
              </Empty>
            </Panel>
          ) : (
            <div className="cards">
              {items.map((channel) => (
                <ChannelCard key={channel.id} channel={channel} onEdit={() => setEditing(channel)} />
              ))}
            </div>
          )
        }
      </Loaded>
      {editing && (
        <ChannelDialog
          channel={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Page>
  );
}

function LastDelivery({ channel }: { channel: Channel }) {
  const failedLast =
    channel.last_error_at != null &&
    (channel.last_delivered_at == null || channel.last_error_at > channel.last_delivered_at);
  if (failedLast) {
    return (
      <div className="stack tight">
        <Status tone="crit">
          failed <Ago at={channel.last_error_at} />
        </Status>
        <span className="mono dim">{channel.last_error}</span>
      </div>
    );
  }
  if (channel.last_delivered_at == null) return <Status tone="unknown">nothing sent yet</Status>;
  return (
    <Status tone="ok">
      delivered <Ago at={channel.last_delivered_at} />
    </Status>
  );
}

function ChannelCard({ channel, onEdit }: { channel: Channel; onEdit: () => void }) {
  const [removing, setRemoving] = useState(false);
  const [result, setResult] = useState<Schemas["ChannelTest"]>();
  const path = { channel: channel.id };
  const test = useAction(() => api.post("/channels/{channel}/test", { path }), { changes: ["channel"] });
  const kind = CHANNEL_KINDS.find(({ value }) => value === channel.config.kind)?.label;
  return (
    <Panel
      title={channel.name}
      actions={
        <>
          {channel.catch_all && <Badge tone="muted">catch-all</Badge>}
          {!channel.enabled && <Badge tone="unknown">off</Badge>}
        </>
      }
    >
      <div className="stack">
        <div>
          <div className="meta">{kind}</div>
          <div className="mono">{targetOf(channel.config)}</div>
        </div>
        <LastDelivery channel={channel} />
        {result && <TestResult result={result} />}
        {test.error !== undefined && <ErrorNotice error={test.error} title="Could not test" />}
        <div className="form-actions">
          <Button
            needs="operate"
            busy={test.busy}
            aria-label={`Send a test to ${channel.name}`}
            onClick={async () => setResult(await test.start())}
          >
            {test.busy ? "Sending…" : "Send a test"}
          </Button>
          <Button needs="operate" aria-label={`Edit ${channel.name}`} onClick={onEdit}>
            Edit
          </Button>
          <Button
            kind="danger"
            needs="operate"
            aria-label={`Delete ${channel.name}`}
            onClick={() => setRemoving(true)}
          >
            Delete
          </Button>
        </div>
      </div>
      {removing && (
        <Confirm
          title={`Delete ${channel.name}`}
          verb="Delete the channel"
          run={() => api.delete("/channels/{channel}", { path })}
          onClose={() => setRemoving(false)}
        >
          <p>
            {channel.catch_all
              ? "It is the catch-all: incidents that nobody answers would reach nobody. "
              : ""}
            Policies and people that use it no longer reach anyone by it.
          </p>
        </Confirm>
      )}
    </Panel>
  );
}

function TestResult({ result }: { result: Schemas["ChannelTest"] }) {
  return (
    <div className={`notice tone-${result.delivered ? "ok" : "crit"}`} role="status">
      <strong>
        {result.delivered ? "Delivered" : "Not delivered"} in {formatSeconds(result.duration_seconds)}
      </strong>
      <span className="mono">{result.detail}</span>
      {result.secret && (
        <span className="row">
          Signing secret, shown only now: <code>{result.secret}</code> <CopyButton text={result.secret} />
        </span>
      )}
    </div>
  );
}
