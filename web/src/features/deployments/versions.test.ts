import { expect, test } from "vitest";
import type { Server } from "@/api/types";
import { groupVersions, selectorOf } from "./versions";

const server = (name: string, agent_version: string | null) => ({ name, agent_version }) as Server;

test("servers stand together by the version of their agent, the newest first", () => {
  const groups = groupVersions([
    server("web-10", "0.9.0"),
    server("new", null),
    server("db-1", "0.10.0"),
    server("web-2", "0.9.0"),
  ]);
  expect(groups.map(({ version, servers }) => [version, servers.map((one) => one.name)])).toEqual([
    ["0.10.0", ["db-1"]],
    ["0.9.0", ["web-2", "web-10"]],
    ["", ["new"]],
  ]);
});

test("a selector means just these servers, whatever their names hold", () => {
  expect(selectorOf([])).toBe("");
  expect(selectorOf(["web-1"])).toBe('name="web-1"');
  expect(selectorOf(["a.example", "b"])).toBe('name=~"a\\\\.example|b"');
});
