import { expect, test } from "vitest";
import { type Clock, Live } from "./live";

class FakeSocket {
  sent: unknown[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: (event: { code: number }) => void;
  onerror?: () => void;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.onclose?.({ code: 1006 });
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function setUp() {
  const sockets: FakeSocket[] = [];
  const timers: { at: number; run: () => void }[] = [];
  const clock: Clock & { time: number } = {
    time: 1000,
    now: () => clock.time,
    later: (ms, run) => {
      const timer = { at: clock.time + ms, run };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
    random: () => 1,
  };
  const open = () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket as unknown as WebSocket;
  };
  const live = new Live(() => "ws://hub/live", open, clock);
  const advance = (ms: number) => {
    clock.time += ms;
    for (const timer of timers.filter(({ at }) => at <= clock.time)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.run();
    }
  };
  return { live, sockets, advance };
}

function listener() {
  const seen: unknown[] = [];
  return { seen, handler: { data: (data: unknown) => seen.push(data), reset: () => seen.push("reset") } };
}

test("changes resume behind the last sequence after a cut", () => {
  const { live, sockets, advance } = setUp();
  const { seen, handler } = listener();
  live.subscribe("changes", undefined, handler);
  live.start();
  sockets[0]?.onopen?.();
  expect(sockets[0]?.sent).toEqual([{ sub: 1, topic: "changes" }]);
  sockets[0]?.say({ type: "snapshot", sub: 1, sequence: 41, data: null });
  sockets[0]?.say({ type: "event", sub: 1, sequence: 42, data: { kind: "incident", id: "x" } });
  sockets[0]?.close();
  expect(live.state).toEqual({ kind: "lost", since: 1000, retryAt: 2000 });
  advance(1000);
  sockets[1]?.onopen?.();
  expect(live.state.kind).toBe("live");
  expect(sockets[1]?.sent).toEqual([{ sub: 1, topic: "changes", after: 42 }]);
  expect(seen).toEqual([null, { kind: "incident", id: "x" }]);
});

test("a topic that cannot resume is told to fetch everything again", () => {
  const { live, sockets, advance } = setUp();
  const { seen, handler } = listener();
  live.subscribe("run", "7", handler);
  live.start();
  sockets[0]?.onopen?.();
  sockets[0]?.close();
  advance(1000);
  sockets[1]?.onopen?.();
  expect(seen).toEqual(["reset"]);
});

test("a reset of the hub reaches the handler and moves the sequence", () => {
  const { live, sockets, advance } = setUp();
  const { seen, handler } = listener();
  live.subscribe("changes", undefined, handler);
  live.start();
  sockets[0]?.onopen?.();
  sockets[0]?.say({ type: "reset", sub: 1, sequence: 900 });
  expect(seen).toEqual(["reset"]);
  sockets[0]?.close();
  advance(1000);
  sockets[1]?.onopen?.();
  expect(sockets[1]?.sent).toEqual([{ sub: 1, topic: "changes", after: 900 }]);
});

test("retries wait longer each time, up to a limit, and remember when contact was lost", () => {
  const { live, sockets, advance } = setUp();
  live.start();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 6; attempt += 1) {
    sockets.at(-1)?.close();
    if (live.state.kind !== "lost") throw new Error("expected a lost connection");
    expect(live.state.since).toBe(1000);
    const wait = live.state.retryAt - 1000 - waits.reduce((sum, one) => sum + one, 0);
    waits.push(wait);
    advance(wait);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test("a stopped connection stays closed and an ended session is told", () => {
  const { live, sockets, advance } = setUp();
  let signedOut = 0;
  live.onSignedOut = () => {
    signedOut += 1;
  };
  live.start();
  sockets[0]?.onopen?.();
  sockets[0]?.onclose?.({ code: 4001 });
  expect(signedOut).toBe(1);
  live.stop();
  advance(60_000);
  expect(sockets.length).toBe(1);
});

test("ending a subscription tells the hub, and late messages go nowhere", () => {
  const { live, sockets } = setUp();
  const { seen, handler } = listener();
  live.start();
  sockets[0]?.onopen?.();
  const end = live.subscribe("server", "a", handler);
  end();
  sockets[0]?.say({ type: "event", sub: 1, sequence: 0, data: 1 });
  expect(sockets[0]?.sent).toEqual([{ sub: 1, topic: "server", id: "a" }, { sub: 1 }]);
  expect(seen).toEqual([]);
});
