// Preferences of this browser. Storage may be switched off: then they last as long as the tab.
import { useSyncExternalStore } from "react";

const PREFIX = "watchtower.";
const memory = new Map<string, string>();
const listeners = new Set<() => void>();

export function readStored(key: string, fallback: string): string {
  const kept = memory.get(key);
  if (kept !== undefined) return kept;
  try {
    return localStorage.getItem(PREFIX + key) ?? fallback;
  } catch {
    return fallback;
  }
}

export function writeStored(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // Kept in memory.
  }
  for (const listener of listeners) listener();
}

export function useStored(key: string, fallback: string): [string, (value: string) => void] {
  const value = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => readStored(key, fallback),
  );
  return [value, (next) => writeStored(key, next)];
}
