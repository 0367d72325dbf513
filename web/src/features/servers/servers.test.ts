import { expect, test } from "vitest";
import type { Panels, Server } from "@/api/types";
import { countTones, filterServers, sortServers } from "./list";

const shownServers = (servers: Server[], q: string, status: string, sort: string) =>
  filterServers(sortServers(servers, sort), q, status);

import { mergePanels } from "./usePanels";

function server(name: string, part: Partial<Server> = {}): Server {
  return { id: name, name, labels: {}, status: "up", open_incidents: 0, ...part } as Server;
}

const FLEET = [
  server("web-10"),
  server("web-2", { labels: { env: "prod" } }),
  server("db-1", { status: "lost" }),
  server("db-2", { worst_severity: "warning", open_incidents: 1 }),
  server("old-1", { status: "maintenance", worst_severity: "critical" }),
];

test("worst first, then by name as people count", () => {
  expect(shownServers(FLEET, "", "", "worst").map((one) => one.name)).toEqual([
    "db-1",
    "db-2",
    "old-1",
    "web-2",
    "web-10",
  ]);
});

test("words match names and labels; states match by their word", () => {
  expect(shownServers(FLEET, "web env=prod", "", "worst").map((one) => one.name)).toEqual(["web-2"]);
  expect(shownServers(FLEET, "", "lost,away", "worst").map((one) => one.name)).toEqual(["db-1"]);
  expect(shownServers(FLEET, "", "warning", "worst").map((one) => one.name)).toEqual(["db-2"]);
});

test("maintenance hides a worse state, a lost server stays critical", () => {
  expect(countTones(FLEET)).toEqual({ crit: 1, warn: 1, unknown: 0, muted: 1, ok: 2 });
});

test("a missing value sorts last", () => {
  const fleet = [server("a"), server("b", { vitals: { cpu_percent: 1 } as Server["vitals"] })];
  expect(shownServers(fleet, "", "", "cpu").map((one) => one.name)).toEqual(["b", "a"]);
});

test("live points extend each panel and the window moves", () => {
  const panels = (times: number[], values: (number | null)[]): Panels => ({
    from_at: "",
    to_at: "",
    step_seconds: 1,
    warnings: ["old"],
    panels: [
      {
        id: "cpu",
        title: "CPU",
        unit: "percent",
        stacked: false,
        expr: "",
        error: null,
        times,
        series: [{ name: "user", values }],
      },
    ],
  });
  const merged = mergePanels(panels([10, 11, 12], [1, 2, 3]), panels([13], [4]), 11);
  expect(merged.panels[0]?.times).toEqual([11, 12, 13]);
  expect(merged.panels[0]?.series[0]?.values).toEqual([2, 3, 4]);
  expect(merged.from_at).toBe("1970-01-01T00:00:11.000Z");
});
