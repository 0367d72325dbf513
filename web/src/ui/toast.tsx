// Short messages after an action, read politely by screen readers.
import { useSyncExternalStore } from "react";
import { Button } from "./Button";
import { problemOf } from "./Panel";
import type { Tone } from "./Status";

interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

const SHOWN_MS = 8000;
const SHOWN_MAX = 3;
let toasts: Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function toast(text: string, tone: Tone = "ok"): void {
  const id = nextId++;
  set([...toasts.slice(1 - SHOWN_MAX), { id, text, tone }]);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function toastError(what: string, error: unknown): void {
  const problem = problemOf(error);
  const request = problem.request_id ? ` (request ${problem.request_id})` : "";
  toast(`${what}: ${problem.detail}${problem.hint ? ` ${problem.hint}` : ""}${request}`, "crit");
}

function dismiss(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" aria-live="polite">
      {shown.map(({ id, text, tone }) => (
        <div key={id} className={`toast tone-${tone}`}>
          <span>{text}</span>
          <Button kind="quiet" small icon="close" aria-label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
