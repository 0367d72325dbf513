import { afterEach, expect, test, vi } from "vitest";
import { whyNot } from "./access";
import { ApiError, api } from "./client";
import { acknowledged } from "./incident-actions";
import { toColumns } from "./prometheus";
import type { Incident } from "./types";
import { VitalsStore } from "./vitals";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: unknown, type = "application/json") {
  const fetch = vi.fn(
    async () => new Response(JSON.stringify(body), { status, headers: { "Content-Type": type } }),
  );
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

test("paths, queries and bodies are sent as the hub takes them", async () => {
  const fetch = answer(200, { items: [] });
  await api.get("/servers", { query: { q: "a b", on: "", limit: "5" } });
  await api.patch("/servers/{server}", { path: { server: "a/b" }, body: { name: "x" } });
  const calls = fetch.mock.calls as unknown as [string, RequestInit][];
  expect(calls[0]?.[0]).toBe("/api/v1/servers?q=a+b&limit=5");
  expect(calls[1]?.[0]).toBe("/api/v1/servers/a%2Fb");
  expect(calls[1]?.[1]).toMatchObject({ method: "PATCH", body: '{"name":"x"}' });
  expect(calls[1]?.[1].headers).toEqual({ "Content-Type": "application/json" });
});

test("a problem keeps its code, hint and request", async () => {
  const problem = {
    type: "about:blank",
    title: "No",
    status: 409,
    code: "conflict",
    detail: "taken",
    request_id: "r1",
  };
  answer(409, problem, "application/problem+json");
  const error = await api.get("/me").catch((caught) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect(error.problem).toEqual(problem);
});

test("an answer that is no problem, and no answer, are errors too", async () => {
  vi.stubGlobal("fetch", async () => new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  expect((await api.get("/me").catch((caught) => caught)).problem.detail).toBe(
    "The hub answered 502 Bad Gateway.",
  );
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("failed")));
  expect((await api.get("/me").catch((caught) => caught)).code).toBe("unreachable");
});

test("missing samples stay gaps", () => {
  const matrix = [
    {
      metric: { instance: "a" },
      values: [
        [10, "1"],
        [30, "3"],
        [40, "NaN"],
      ] as [number, string][],
    },
  ];
  expect(toColumns(matrix, 10, 40, 10)).toEqual({
    times: [10, 20, 30, 40],
    series: [{ labels: { instance: "a" }, values: [1, null, 3, null] }],
  });
});

test("an acknowledgement changes only what was triggered", () => {
  const incident = { state: "triggered", pending_actions: [{ kind: "escalate" }] } as unknown as Incident;
  const after = acknowledged(incident, "ana", new Date(0));
  expect(after).toMatchObject({ state: "acknowledged", acknowledged_by: "ana", pending_actions: [] });
  const resolved = { ...incident, state: "resolved" } as Incident;
  expect(acknowledged(resolved, "ana", new Date(0))).toBe(resolved);
});

test("roles are ordered, and a refusal says which one is missing", () => {
  expect(whyNot("operator", "respond")).toBeUndefined();
  expect(whyNot("viewer", "operate")).toContain("operator");
  expect(whyNot("viewer", undefined)).toBeUndefined();
});

test("many updates of one server are painted once", () => {
  const waiting: (() => void)[] = [];
  const store = new VitalsStore((run) => waiting.push(run));
  let painted = 0;
  store.subscribe("a", () => {
    painted += 1;
  });
  for (let at = 0; at < 100; at += 1) store.put("a", { cpu_percent: at }, at);
  expect(waiting.length).toBe(1);
  waiting[0]?.();
  expect(painted).toBe(1);
  expect(store.get("a")?.vitals.cpu_percent).toBe(99);
});
