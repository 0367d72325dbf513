// What servers make of a script: by their own policies, by its hash, or by an approver's signature on it.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { Script } from "@/api/types";
import { useNow } from "@/lib/hooks";
import { shellWord } from "@/lib/shell";
import { At } from "@/ui/Ago";
import { CopyButton } from "@/ui/Copy";
import { Panel } from "@/ui/Panel";
import { Status } from "@/ui/Status";
import { approvalOf, countPolicies, policySentences } from "./approval";

const EACH_MINUTE_MS = 60_000;

export function Approvals({ script }: { script: Script }) {
  const now = useNow(EACH_MINUTE_MS);
  const servers = useQuery(queries.serverCount('name=~".+"'));
  const state = approvalOf(script, now);
  const command = `watchtower script sign ${shellWord(script.name)}`;
  return (
    <Panel title="Approval">
      <div className="stack tight">
        <div className="row">
          <Status tone={state === "signed" ? "ok" : state === "expired" ? "warn" : "muted"}>{state}</Status>
          <span className="meta">version {script.version}</span>
        </div>
        {script.approval && (
          <>
            <p>
              {state === "expired" ? "Held until" : "Holds until"} <At at={script.approval.expires_at} />, by
              the key
            </p>
            <p className="mono fingerprint">{script.approval.key}</p>
          </>
        )}
        <p className="meta">Its hash, as a policy lists it:</p>
        <div className="row">
          <code className="fingerprint">{script.sha256}</code>
          <CopyButton text={script.sha256} />
        </div>
        {servers.data && (
          <ul className="stack tight" aria-label="What servers make of it">
            {policySentences(countPolicies(servers.data.items), state).map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        )}
        <p className="meta">
          Sign it on your own machine, with a key that the hub never sees. Changing its text, parameters or
          user ends the approval.
        </p>
        <div className="row">
          <code className="clip" tabIndex={0}>
            {command}
          </code>
          <CopyButton text={command} />
        </div>
      </div>
    </Panel>
  );
}
