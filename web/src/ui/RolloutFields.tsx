// How a run goes over its servers: typed, sent, and said in words.
import type { Rollout } from "@/api/types";
import { TextField } from "./Field";

export const ROLLOUT = ["canary", "at_once", "max_failures", "one_per"] as const;

/** Every field as text; empty does not restrict. */
export type RolloutDraft = Record<(typeof ROLLOUT)[number], string>;

export function rolloutDraft(rollout: Rollout | null | undefined): RolloutDraft {
  const text = (name: (typeof ROLLOUT)[number]) => rollout?.[name] ?? "";
  return {
    canary: text("canary"),
    at_once: text("at_once"),
    max_failures: text("max_failures"),
    one_per: text("one_per"),
  };
}

/** What was given; undefined means all servers at once. */
export function rolloutOf(draft: RolloutDraft): Rollout | undefined {
  const given = ROLLOUT.filter((name) => draft[name].trim() !== "");
  if (given.length === 0) return undefined;
  return Object.fromEntries(given.map((name) => [name, draft[name].trim()]));
}

/** `first 1, then 5 at a time, stops after more than 2 failures` */
export function describeRollout(rollout: Rollout): string {
  const parts = [
    rollout.canary && `first ${rollout.canary}`,
    rollout.at_once && `${rollout.at_once} at a time`,
    rollout.one_per && `one per ${rollout.one_per}`,
    rollout.max_failures && `stops after more than ${rollout.max_failures} failures`,
  ];
  return parts.filter(Boolean).join(", ");
}

interface Props {
  draft: RolloutDraft;
  set: (change: Partial<RolloutDraft>) => void;
  fieldError: (field: string) => string | undefined;
}

export function RolloutFields({ draft, set, fieldError }: Props) {
  return (
    <div className="form-columns">
      <TextField
        label="Try first on"
        value={draft.canary}
        onChange={(canary) => set({ canary })}
        placeholder="1 or 10%"
        hint="The others only when every one of these succeeded."
        error={fieldError("canary")}
      />
      <TextField
        label="At most at a time"
        value={draft.at_once}
        onChange={(at_once) => set({ at_once })}
        placeholder="5 or 20%"
        error={fieldError("at_once")}
      />
      <TextField
        label="Stop after more failures than"
        value={draft.max_failures}
        onChange={(max_failures) => set({ max_failures })}
        placeholder="0"
        error={fieldError("max_failures")}
      />
      <TextField
        label="One at a time per label"
        value={draft.one_per}
        onChange={(one_per) => set({ one_per })}
        placeholder="service"
        error={fieldError("one_per")}
        mono
      />
    </div>
  );
}
