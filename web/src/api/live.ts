// The live channel: one WebSocket for the page, subscriptions by number, resumed behind the last sequence after a cut.
import type { Schemas } from "./client";

type Topic = Schemas["LiveTopic"];
type Message = Schemas["LiveMessage"];

export type LiveState =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "lost"; since: number; retryAt: number };

export interface LiveHandler {
  data(data: unknown): void;
  /** Too much was missed, or the connection was lost on a topic that cannot resume: fetch everything again. */
  reset(): void;
}

interface Subscription {
  topic: Topic;
  id?: string;
  handler: LiveHandler;
  sequence?: number;
}

export interface Clock {
  now(): number;
  later(ms: number, run: () => void): () => void;
  random(): number;
}

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 15_000;
/** The hub's close code for a session that ended. */
const SIGNED_OUT = 4001;

const browserClock: Clock = {
  now: () => Date.now(),
  later: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

export class Live {
  state: LiveState = { kind: "connecting" };
  /** The hub ended the connection because the session is over. */
  onSignedOut: () => void = () => {};
  private socket?: WebSocket;
  private subscriptions = new Map<number, Subscription>();
  private nextSub = 1;
  private attempt = 0;
  private lostSince?: number;
  private cancelRetry?: () => void;
  private listeners = new Set<() => void>();
  private stopped = true;

  constructor(
    private readonly url: () => string,
    private readonly open: (url: string) => WebSocket = (url) => new WebSocket(url),
    private readonly clock: Clock = browserClock,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.cancelRetry?.();
    this.socket?.close();
    this.socket = undefined;
  }

  /** At once instead of waiting for the next try. */
  retryNow(): void {
    if (this.state.kind !== "lost") return;
    this.cancelRetry?.();
    this.connect();
  }

  onState(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  subscribe(topic: Topic, id: string | undefined, handler: LiveHandler): () => void {
    const sub = this.nextSub++;
    const subscription: Subscription = { topic, id, handler };
    this.subscriptions.set(sub, subscription);
    if (this.state.kind === "live") this.send(sub, subscription);
    return () => {
      this.subscriptions.delete(sub);
      if (this.state.kind === "live") this.socket?.send(JSON.stringify({ sub }));
    };
  }

  private connect(): void {
    const socket = this.open(this.url());
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (event) => this.received(String(event.data));
    socket.onclose = (event) => this.closed(socket, event.code);
    socket.onerror = () => socket.close();
  }

  private opened(): void {
    const resumed = this.lostSince !== undefined;
    this.attempt = 0;
    this.lostSince = undefined;
    this.become({ kind: "live" });
    for (const [sub, subscription] of this.subscriptions) {
      this.send(sub, subscription);
      if (resumed && subscription.sequence === undefined) subscription.handler.reset();
    }
  }

  private closed(socket: WebSocket, code: number): void {
    if (socket !== this.socket || this.stopped) return;
    if (code === SIGNED_OUT) this.onSignedOut();
    this.socket = undefined;
    this.lostSince ??= this.clock.now();
    const cap = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.attempt);
    const wait = cap / 2 + (cap / 2) * this.clock.random();
    this.attempt += 1;
    this.become({ kind: "lost", since: this.lostSince, retryAt: this.clock.now() + wait });
    this.cancelRetry = this.clock.later(wait, () => this.connect());
  }

  private send(sub: number, { topic, id, sequence }: Subscription): void {
    const after = topic === "changes" ? sequence : undefined;
    this.socket?.send(JSON.stringify({ sub, topic, id, after }));
  }

  private received(text: string): void {
    const message = JSON.parse(text) as Message;
    const subscription = this.subscriptions.get(message.sub);
    if (!subscription) return;
    if (message.type === "error") {
      console.warn(`live ${subscription.topic}: ${message.message}`);
      return;
    }
    if (subscription.topic === "changes") subscription.sequence = message.sequence;
    if (message.type === "reset") subscription.handler.reset();
    else subscription.handler.data(message.data);
  }

  private become(state: LiveState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

export function liveUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/api/v1/live`;
}

/** The page's one connection; the shell starts and stops it. */
export const live = new Live(liveUrl);
