// Where the rotation of a kind of key stands, and which steps may come next.
import type { HubKey } from "@/api/types";

export type Kind = HubKey["kind"];
export type Step = "rotate" | "switch" | "retire" | "abort";

/** Of the roots one is always published ahead of its use. */
const SPARES: Record<Kind, number> = { ca: 1, signing: 0, master: 0 };

export interface Stage {
  steps: Step[];
  /** What goes on, or what comes next. */
  words: string;
  /** Agents that lack the key to be switched to. */
  lacking: number;
}

export function stageOf(kind: Kind, keys: readonly HubKey[]): Stage {
  const of = (state: HubKey["state"]) => keys.filter((key) => key.kind === kind && key.state === state);
  const [published, retiring] = [of("published"), of("retiring")];
  if (retiring.length > 0) {
    const left = retiring[0]?.secrets ?? 0;
    return kind === "master"
      ? {
          steps: [],
          words: `${left} secrets are still sealed with the key before: it leaves by itself.`,
          lacking: 0,
        }
      : {
          steps: ["retire"],
          words: "The key before is still trusted: retire it, and it is deleted.",
          lacking: 0,
        };
  }
  if (published.length > SPARES[kind]) {
    const lacking = published[0]?.agents_lacking ?? 0;
    const who = lacking === 1 ? "1 agent lacks" : `${lacking} agents lack`;
    const words =
      lacking === 0 ? "Every agent has the next key: switch to it." : `${who} the next key. Wait for them.`;
    return { steps: ["switch", "abort"], words, lacking };
  }
  return { steps: ["rotate"], words: "No rotation is under way.", lacking: 0 };
}

/** What a step does, before somebody says yes to it. */
export function consequence(kind: Kind, step: Step): string {
  switch (step) {
    case "rotate":
      return kind === "master"
        ? "A new key seals from now on, and what older ones sealed is sealed anew while the hub serves. Backups made before need the old key's file."
        : "A new key is made and published to the agents. It is not used before you switch to it.";
    case "switch":
      return kind === "ca"
        ? "All agents connect anew at once, through the new root. One-line installers made before stop working."
        : "Commands are signed with the new key from now on. Agents that lack it refuse them.";
    case "retire":
      return "Agents are told to trust the key before no longer, and its file is deleted. This cannot be undone.";
    case "abort":
      return "The key that was published last is withdrawn before it is used. Nothing else changes.";
  }
}
