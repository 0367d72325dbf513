// The live channel for components: state of the connection, pause, subscriptions that end with the component.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { keysToRefetch } from "@/lib/change-keys";
import type { Schemas } from "./client";
import { type LiveState, live } from "./live";
import { vitalsStore } from "./vitals";

const COALESCE_MS = 200;

let paused = false;
const pauseListeners = new Set<() => void>();

export function setPaused(next: boolean): void {
  paused = next;
  for (const listener of pauseListeners) listener();
}

export function usePaused(): boolean {
  return useSyncExternalStore(
    (listener) => {
      pauseListeners.add(listener);
      return () => pauseListeners.delete(listener);
    },
    () => paused,
  );
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => live.onState(listener),
    () => live.state,
  );
}

/** Data of a topic while the component is there, `active` holds and live is not paused. */
export function useTopic(
  topic: Schemas["LiveTopic"],
  id: string | undefined,
  onData: (data: unknown) => void,
  onReset: () => void = () => {},
  active = true,
): void {
  const isPaused = usePaused();
  const handlers = useRef({ onData, onReset });
  handlers.current = { onData, onReset };
  const on = active && !isPaused;
  useEffect(() => {
    if (!on) return;
    return live.subscribe(topic, id, {
      data: (data) => handlers.current.onData(data),
      reset: () => handlers.current.onReset(),
    });
  }, [topic, id, on]);
}

function refetch(client: QueryClient, kinds: Set<string>): void {
  const keys = keysToRefetch(kinds);
  void client.invalidateQueries({ predicate: (query) => keys.has(String(query.queryKey[0])) });
}

/** Keeps every cached answer true: refetches what changed. Used once, by the shell. */
export function useChanges(): void {
  const client = useQueryClient();
  const isPaused = usePaused();
  const waiting = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    const flush = () => {
      timer.current = undefined;
      if (paused) return;
      const kinds = waiting.current;
      waiting.current = new Set();
      refetch(client, kinds);
    };
    const handler = {
      data: (data: unknown) => {
        const kind = (data as { kind?: unknown } | null)?.kind;
        if (typeof kind !== "string") return;
        waiting.current.add(kind);
        timer.current ??= setTimeout(flush, COALESCE_MS);
      },
      reset: () => void client.invalidateQueries(),
    };
    const end = live.subscribe("changes", undefined, handler);
    return () => {
      clearTimeout(timer.current);
      timer.current = undefined;
      end();
    };
  }, [client]);

  useEffect(() => {
    if (isPaused || waiting.current.size === 0) return;
    refetch(client, waiting.current);
    waiting.current = new Set();
  }, [client, isPaused]);
}

/** Vitals of all servers into the store, while a page shows them. */
export function useFleetVitals(): void {
  useTopic("vitals", undefined, (data) => {
    const updates = Array.isArray(data) ? data : [data];
    for (const update of updates as Schemas["VitalsUpdate"][]) {
      if (update?.server_id) vitalsStore.put(update.server_id, update.vitals, Date.now());
    }
  });
}
