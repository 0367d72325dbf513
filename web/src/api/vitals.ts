// The newest vitals of each server as the live channel brings them, painted at most four times a second.
import { useSyncExternalStore } from "react";
import type { Vitals } from "./types";

export interface LiveVitals {
  vitals: Vitals;
  /** Arrival in this browser, ms. */
  at: number;
}

const PAINT_EVERY_MS = 250;

export class VitalsStore {
  private current = new Map<string, LiveVitals>();
  private listeners = new Map<string, Set<() => void>>();
  private dirty = new Set<string>();
  private scheduled = false;

  constructor(private readonly later: (run: () => void) => void = (run) => setTimeout(run, PAINT_EVERY_MS)) {}

  put(id: string, vitals: Vitals, at: number): void {
    this.current.set(id, { vitals, at });
    this.dirty.add(id);
    if (this.scheduled) return;
    this.scheduled = true;
    this.later(() => this.flush());
  }

  get(id: string): LiveVitals | undefined {
    return this.current.get(id);
  }

  clear(): void {
    this.current.clear();
  }

  subscribe(id: string, listener: () => void): () => void {
    const known = this.listeners.get(id) ?? new Set();
    known.add(listener);
    this.listeners.set(id, known);
    return () => {
      known.delete(listener);
      if (known.size === 0) this.listeners.delete(id);
    };
  }

  private flush(): void {
    this.scheduled = false;
    const ids = [...this.dirty];
    this.dirty.clear();
    for (const id of ids) for (const listener of this.listeners.get(id) ?? []) listener();
  }
}

export const vitalsStore = new VitalsStore();

export function useLiveVitals(id: string): LiveVitals | undefined {
  return useSyncExternalStore(
    (listener) => vitalsStore.subscribe(id, listener),
    () => vitalsStore.get(id),
  );
}
