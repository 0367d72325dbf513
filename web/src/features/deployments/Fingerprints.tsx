// The keys that the hosts show, confirmed by a person before a password is sent to any of them.
import { useState } from "react";
import { ApiError, api } from "@/api/client";
import type { DeploymentTarget, OfferedHostKey, SshAccess } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { Status, type Tone } from "@/ui/Status";
import { useAction } from "@/ui/useAction";

/** Hosts that are asked at the same time. */
const AT_ONCE = 6;

export interface Shown {
  target: DeploymentTarget;
  key?: OfferedHostKey;
  problem?: string;
}

/** Every host that answered shows a key that somebody confirmed. */
export function vouched(shown: Shown[] | undefined): boolean {
  return shown?.every(({ key }) => key === undefined || key.known === "pinned") === true;
}

const TONES: Record<OfferedHostKey["known"], Tone> = {
  pinned: "ok",
  unknown: "warn",
  changed: "crit",
  revoked: "crit",
};
const WORDS: Record<OfferedHostKey["known"], string> = {
  pinned: "known",
  unknown: "new",
  changed: "changed",
  revoked: "revoked",
};

function placeOf(target: DeploymentTarget, ssh: SshAccess) {
  const jump = target.jump && target.jump.length > 0 ? target.jump : ssh.jump;
  return { host: target.host, port: target.port ?? ssh.port ?? null, ssh: { ...ssh, jump } };
}

async function ask(target: DeploymentTarget, ssh: SshAccess): Promise<Shown> {
  try {
    const key = await api.post("/deployments/host-key", { body: placeOf(target, ssh) });
    return { target, key };
  } catch (error) {
    return { target, problem: error instanceof ApiError ? error.problem.detail : String(error) };
  }
}

/** One after the other in a few lanes, so that hundreds of hosts do not open hundreds of requests. */
async function askAll(targets: DeploymentTarget[], ssh: SshAccess): Promise<Shown[]> {
  const shown: Shown[] = [];
  let next = 0;
  const lane = async () => {
    while (next < targets.length) {
      const at = next++;
      const target = targets[at];
      if (target) shown[at] = await ask(target, ssh);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return shown;
}

interface Props {
  targets: DeploymentTarget[];
  ssh: SshAccess;
  shown: Shown[] | undefined;
  onShown: (shown: Shown[]) => void;
}

export function Fingerprints({ targets, ssh, shown, onShown }: Props) {
  const [replaced, setReplaced] = useState(false);
  const look = useAction(async () => onShown(await askAll(targets, ssh)), { changes: [] });
  const unknown = (shown ?? []).filter(({ key }) => key?.known === "unknown");
  const changed = (shown ?? []).filter(({ key }) => key?.known === "changed");
  const confirm = useAction(
    async () => {
      for (const { target, key } of [...unknown, ...(replaced ? changed : [])]) {
        if (!key) continue;
        const body = {
          ...placeOf(target, ssh),
          fingerprint: key.fingerprint,
          replace: key.known === "changed",
        };
        await api.post("/host-keys", { body });
      }
      onShown(await askAll(targets, ssh));
    },
    { changes: ["host_key"] },
  );
  return (
    <div className="stack tight">
      <div className="row">
        <Button
          busy={look.busy}
          disabled={targets.length === 0}
          needs="operate"
          onClick={() => void look.start()}
        >
          {shown ? "Look again" : "Look at the host keys"}
        </Button>
        <span className="meta">Nothing secret is sent for this.</span>
      </div>
      {shown && (
        <ul className="fingerprints" data-testid="fingerprints">
          {shown.map((one) => (
            <Row key={`${one.target.host}:${one.target.port ?? ""}`} shown={one} />
          ))}
        </ul>
      )}
      {changed.length > 0 && (
        <label className="check">
          <input type="checkbox" checked={replaced} onChange={(event) => setReplaced(event.target.checked)} />
          <span>
            The {changed.length === 1 ? "host whose key changed was" : "hosts whose keys changed were"}{" "}
            rebuilt on purpose: never accept the old {changed.length === 1 ? "key" : "keys"} again.
          </span>
        </label>
      )}
      {(unknown.length > 0 || (changed.length > 0 && replaced)) && (
        <div className="stack tight">
          <p className="dim">
            Compare with what each host's own console says:{" "}
            <code>ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</code>
          </p>
          <div className="row">
            <Button kind="primary" busy={confirm.busy} needs="operate" onClick={() => void confirm.start()}>
              {unknown.length + changed.length === 1 ? "It is this host's" : "They are these hosts'"}
            </Button>
          </div>
        </div>
      )}
      {confirm.error !== undefined && (
        <span className="tone-crit problem" role="alert">
          {confirm.error instanceof ApiError ? confirm.error.problem.detail : String(confirm.error)}
        </span>
      )}
    </div>
  );
}

function Row({ shown: { target, key, problem } }: { shown: Shown }) {
  return (
    <li>
      <span className="row">
        <span className="mono">{target.host}</span>
        {key && <Status tone={TONES[key.known]}>{WORDS[key.known]}</Status>}
      </span>
      {key && (
        <span className="row">
          <code className="fingerprint">{key.fingerprint}</code>
          <CopyButton text={key.fingerprint} />
        </span>
      )}
      {key?.known_fingerprint && (
        <span className="meta">
          known since <Ago at={key.known_since} /> by{" "}
          <code className="fingerprint">{key.known_fingerprint}</code>
        </span>
      )}
      {problem && <span className="tone-crit problem">{problem}</span>}
    </li>
  );
}
