// Vitals and processes of one server as they come, at one second while this page is visible.
import { useEffect, useState } from "react";
import { useTopic } from "@/api/live-hooks";
import type { Processes, Vitals } from "@/api/types";
import { useVisible } from "@/lib/hooks";

export interface ServerLive {
  vitals?: Vitals;
  processes?: Processes;
  /** Arrival of the newest update in this browser, ms. */
  at?: number;
  /** Updates come about every second. */
  isFast: boolean;
  /** Counts up with every update. */
  ticks: number;
}

const FAST_MS = 2500;
const IDLE: ServerLive = { isFast: false, ticks: 0 };

export function useServerLive(server: string): ServerLive {
  const visible = useVisible();
  const [state, setState] = useState<ServerLive>(IDLE);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another server starts afresh
  useEffect(() => {
    setState(IDLE);
  }, [server]);
  useTopic(
    "server",
    server,
    (data) => {
      const update = data as { vitals?: Vitals; processes?: Processes } | null;
      if (!update) return;
      const at = Date.now();
      setState((before) => ({
        vitals: update.vitals ?? before.vitals,
        processes: update.processes ?? before.processes,
        at,
        isFast: before.at !== undefined && at - before.at < FAST_MS,
        ticks: before.ticks + 1,
      }));
    },
    undefined,
    visible,
  );
  return state;
}
