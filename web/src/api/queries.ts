// What the pages read. The first word of a key is the kind of the change that makes it old (lib/change-keys).
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api } from "./client";
import type { ChannelInput, SignalMapping } from "./types";

const ALL = "500";
/** A halt by somebody else is seen within this time. */
const ON_CALL_MS = 30_000;
const HALT_MS = 15_000;
const FOLDED_MS = 2000;
const KEYS_MS = 3000;

export const queries = {
  setupStatus: () => queryOptions({ queryKey: ["setup"], queryFn: () => api.get("/setup") }),
  me: () =>
    queryOptions({
      queryKey: ["me"],
      queryFn: ({ signal }) => api.get("/me", { signal }),
      staleTime: 60_000,
    }),
  overview: () =>
    queryOptions({ queryKey: ["overview"], queryFn: ({ signal }) => api.get("/overview", { signal }) }),
  status: () =>
    queryOptions({
      queryKey: ["status"],
      queryFn: ({ signal }) => api.get("/status", { signal }),
      refetchInterval: 10_000,
    }),
  servers: (on = "") =>
    infiniteQueryOptions({
      queryKey: ["server", "list", on],
      queryFn: ({ signal, pageParam }) =>
        api.get("/servers", { signal, query: { on, limit: ALL, cursor: pageParam } }),
      initialPageParam: "",
      getNextPageParam: (last) => last.next ?? undefined,
    }),
  serverCount: (on: string) =>
    queryOptions({
      queryKey: ["server", "count", on],
      queryFn: ({ signal }) => api.get("/servers", { signal, query: { on, limit: ALL } }),
      enabled: on.trim() !== "",
      retry: false,
    }),
  server: (server: string) =>
    queryOptions({
      queryKey: ["server", "one", server],
      queryFn: ({ signal }) => api.get("/servers/{server}", { signal, path: { server } }),
    }),
  processes: (server: string) =>
    queryOptions({
      queryKey: ["processes", server],
      queryFn: ({ signal }) => api.get("/servers/{server}/processes", { signal, path: { server } }),
    }),
  events: (query: { server?: string; kind?: string; severity?: string; from?: string; limit?: string }) =>
    infiniteQueryOptions({
      queryKey: ["event", query],
      queryFn: ({ signal, pageParam }) =>
        api.get("/events", { signal, query: { ...query, cursor: pageParam } }),
      initialPageParam: "",
      getNextPageParam: (last) => last.next ?? undefined,
    }),
  incidents: (query: { state?: string; server?: string; severity?: string; q?: string; limit?: string }) =>
    queryOptions({
      queryKey: ["incident", "list", query],
      queryFn: ({ signal }) => api.get("/incidents", { signal, query }),
    }),
  incidentStats: (since: string) =>
    queryOptions({
      queryKey: ["incident", "stats", since],
      queryFn: ({ signal }) => api.get("/incidents/stats", { signal, query: { since } }),
    }),
  incidentAnalytics: ({ from, team, service }: { from: string; team: string; service: string }) =>
    queryOptions({
      queryKey: ["incident", "analytics", from, team, service],
      queryFn: ({ signal }) =>
        api.get("/analytics/incidents", {
          signal,
          query: { from, team: team || undefined, service: service || undefined },
        }),
    }),
  incident: (incident: string) =>
    queryOptions({
      queryKey: ["incident", "one", incident],
      queryFn: ({ signal }) => api.get("/incidents/{incident}", { signal, path: { incident } }),
    }),
  timeline: (incident: string) =>
    queryOptions({
      queryKey: ["incident", "timeline", incident],
      queryFn: ({ signal }) => api.get("/incidents/{incident}/timeline", { signal, path: { incident } }),
    }),
  deliveries: (incident: string) =>
    queryOptions({
      queryKey: ["incident", "deliveries", incident],
      queryFn: ({ signal }) => api.get("/incidents/{incident}/deliveries", { signal, path: { incident } }),
    }),
  rules: () =>
    queryOptions({
      queryKey: ["rule", "list"],
      queryFn: ({ signal }) => api.get("/rules", { signal, query: { limit: ALL } }),
    }),
  rule: (rule: string) =>
    queryOptions({
      queryKey: ["rule", "one", rule],
      queryFn: ({ signal }) => api.get("/rules/{rule}", { signal, path: { rule } }),
    }),
  rulePreview: (body: { expr: string; for_seconds: number; window_seconds: number }) =>
    queryOptions({
      queryKey: ["preview", body],
      queryFn: ({ signal }) => api.post("/rules/preview", { signal, body }),
      enabled: body.expr.trim() !== "",
      retry: false,
      staleTime: 30_000,
    }),
  scripts: () =>
    queryOptions({
      queryKey: ["script", "list"],
      queryFn: ({ signal }) => api.get("/scripts", { signal, query: { limit: ALL } }),
    }),
  script: (script: string) =>
    queryOptions({
      queryKey: ["script", "one", script],
      queryFn: ({ signal }) => api.get("/scripts/{script}", { signal, path: { script } }),
    }),
  scriptVersions: (script: string) =>
    queryOptions({
      queryKey: ["script", "versions", script],
      queryFn: ({ signal }) => api.get("/scripts/{script}/versions", { signal, path: { script } }),
    }),
  runs: (query: { state?: string; server?: string; script?: string; incident?: string; limit?: string }) =>
    queryOptions({
      queryKey: ["run", "list", query],
      queryFn: ({ signal }) => api.get("/runs", { signal, query }),
    }),
  run: (run: string) =>
    queryOptions({
      queryKey: ["run", "one", run],
      queryFn: ({ signal }) => api.get("/runs/{run}", { signal, path: { run } }),
    }),
  /** Asked again while servers may still say something. */
  runFolded: (run: string, open: boolean) =>
    queryOptions({
      queryKey: ["run", "folded", run],
      queryFn: ({ signal }) => api.get("/runs/{run}/folded", { signal, path: { run } }),
      refetchInterval: open ? FOLDED_MS : false,
    }),
  halt: () =>
    queryOptions({
      queryKey: ["halt"],
      queryFn: ({ signal }) => api.get("/halt", { signal }),
      refetchInterval: HALT_MS,
    }),
  pageHold: () =>
    queryOptions({
      queryKey: ["page-hold"],
      queryFn: ({ signal }) => api.get("/page-hold", { signal }),
      refetchInterval: HALT_MS,
    }),
  deployments: (query: { status?: string; server?: string; limit?: string }) =>
    queryOptions({
      queryKey: ["deployment", "list", query],
      queryFn: ({ signal }) => api.get("/deployments", { signal, query }),
    }),
  batch: (batch: string) =>
    queryOptions({
      queryKey: ["deployment", "batch", batch],
      queryFn: ({ signal }) => api.get("/deployments", { signal, query: { batch, limit: ALL } }),
    }),
  deployment: (deployment: string) =>
    queryOptions({
      queryKey: ["deployment", "one", deployment],
      queryFn: ({ signal }) => api.get("/deployments/{deployment}", { signal, path: { deployment } }),
    }),
  targets: (text: string) =>
    queryOptions({
      queryKey: ["targets", text],
      queryFn: ({ signal }) =>
        api.post("/deployments/targets", { signal, body: { text, format: "auto" as const } }),
      enabled: text.trim() !== "",
      retry: false,
      staleTime: Number.POSITIVE_INFINITY,
    }),
  credentials: () =>
    queryOptions({
      queryKey: ["credential"],
      queryFn: ({ signal }) => api.get("/credentials", { signal, query: { limit: ALL } }),
    }),
  hostKeys: () =>
    queryOptions({
      queryKey: ["host_key"],
      queryFn: ({ signal }) => api.get("/host-keys", { signal, query: { limit: ALL } }),
    }),
  automations: () =>
    queryOptions({
      queryKey: ["automation", "list"],
      queryFn: ({ signal }) => api.get("/automations", { signal, query: { limit: ALL } }),
    }),
  automation: (automation: string) =>
    queryOptions({
      queryKey: ["automation", "one", automation],
      queryFn: ({ signal }) => api.get("/automations/{automation}", { signal, path: { automation } }),
    }),
  signalPreview: (asked: { mapping: SignalMapping | string; body: unknown }) =>
    queryOptions({
      queryKey: ["signal-preview", asked],
      queryFn: ({ signal }) =>
        api.post("/integrations/preview", {
          signal,
          body: { mapping: asked.mapping as SignalMapping, body: asked.body },
        }),
      retry: false,
    }),
  cronPreview: (body: { cron: string; timezone: string }) =>
    queryOptions({
      queryKey: ["cron-preview", body],
      queryFn: ({ signal }) => api.post("/automations/preview", { signal, body }),
      enabled: body.cron.trim() !== "",
      retry: false,
      staleTime: 30_000,
    }),
  channels: () =>
    queryOptions({
      queryKey: ["channel"],
      queryFn: ({ signal }) => api.get("/channels", { signal, query: { limit: ALL } }),
    }),
  channelPreview: (body: { channel: ChannelInput; incident: number | null; end: boolean }) =>
    queryOptions({
      queryKey: ["channel-preview", body],
      queryFn: ({ signal }) => api.post("/channels/preview", { signal, body }),
      placeholderData: keepPreviousData,
      retry: false,
    }),
  pagePlan: (service: string, urgency: "high" | "low") =>
    queryOptions({
      queryKey: ["service", "page-plan", service, urgency],
      queryFn: ({ signal }) =>
        api.get("/services/{service}/page-plan", { signal, path: { service }, query: { urgency } }),
      staleTime: 0,
    }),
  schedules: () =>
    queryOptions({
      queryKey: ["schedule", "list"],
      queryFn: ({ signal }) => api.get("/schedules", { signal, query: { limit: ALL } }),
      // Turns end without a change of anything.
      refetchInterval: ON_CALL_MS,
    }),
  shifts: (schedule: string, from: string, to: string) =>
    queryOptions({
      queryKey: ["schedule", "shifts", schedule, from, to],
      queryFn: ({ signal }) =>
        api.get("/schedules/{schedule}/shifts", { signal, path: { schedule }, query: { from, to } }),
    }),
  services: () =>
    queryOptions({
      queryKey: ["service"],
      queryFn: ({ signal }) => api.get("/services", { signal, query: { limit: ALL } }),
    }),
  integrations: () =>
    queryOptions({
      queryKey: ["integration"],
      queryFn: ({ signal }) => api.get("/integrations", { signal, query: { limit: ALL } }),
    }),
  held: (integration: string) =>
    queryOptions({
      queryKey: ["integration", integration, "held"],
      queryFn: ({ signal }) =>
        api.get("/integrations/{integration}/held", {
          signal,
          path: { integration },
          query: { limit: ALL },
        }),
    }),
  silences: () =>
    queryOptions({
      queryKey: ["silence"],
      queryFn: ({ signal }) => api.get("/silences", { signal, query: { limit: ALL } }),
    }),
  maintenanceWindows: () =>
    queryOptions({
      queryKey: ["maintenance"],
      queryFn: ({ signal }) => api.get("/maintenance-windows", { signal, query: { limit: ALL } }),
    }),
  inhibitions: () =>
    queryOptions({
      queryKey: ["inhibition"],
      queryFn: ({ signal }) => api.get("/inhibitions", { signal, query: { limit: ALL } }),
    }),
  heartbeats: () =>
    queryOptions({
      queryKey: ["heartbeat"],
      queryFn: ({ signal }) => api.get("/heartbeats", { signal, query: { limit: ALL } }),
    }),
  pings: (heartbeat: string) =>
    queryOptions({
      queryKey: ["heartbeat", heartbeat, "pings"],
      queryFn: ({ signal }) =>
        api.get("/heartbeats/{heartbeat}/pings", { signal, path: { heartbeat }, query: { limit: "50" } }),
    }),
  routes: () =>
    queryOptions({
      queryKey: ["route"],
      queryFn: ({ signal }) => api.get("/routes", { signal, query: { limit: ALL } }),
    }),
  policies: () =>
    queryOptions({
      queryKey: ["policy"],
      queryFn: ({ signal }) => api.get("/policies", { signal, query: { limit: ALL } }),
    }),
  teams: () =>
    queryOptions({
      queryKey: ["team"],
      queryFn: ({ signal }) => api.get("/teams", { signal, query: { limit: ALL } }),
    }),
  users: () =>
    queryOptions({
      queryKey: ["user"],
      queryFn: ({ signal }) => api.get("/users", { signal, query: { limit: ALL } }),
    }),
  tokens: () =>
    queryOptions({
      queryKey: ["token"],
      queryFn: ({ signal }) => api.get("/tokens", { signal, query: { limit: ALL } }),
    }),
  /** Agents confirm a new key one after the other: that is watched. */
  keys: () =>
    queryOptions({
      queryKey: ["key"],
      queryFn: ({ signal }) => api.get("/keys", { signal }),
      refetchInterval: KEYS_MS,
    }),
  agentPrograms: () =>
    queryOptions({
      queryKey: ["agent-programs"],
      queryFn: ({ signal }) => api.get("/agent-binaries", { signal }),
    }),
  audit: (query: { actor?: string; action?: string }) =>
    infiniteQueryOptions({
      queryKey: ["audit", query],
      queryFn: ({ signal, pageParam }) =>
        api.get("/audit", { signal, query: { ...query, cursor: pageParam } }),
      initialPageParam: "",
      getNextPageParam: (last) => last.next ?? undefined,
    }),
};
