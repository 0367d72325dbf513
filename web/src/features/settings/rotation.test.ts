import { expect, test } from "vitest";
import type { HubKey } from "@/api/types";
import { consequence, stageOf } from "./rotation";

const key = (kind: HubKey["kind"], state: HubKey["state"], more: Partial<HubKey> = {}) =>
  ({ id: `${kind} ${state}`, kind, state, lacking: [], ...more }) as HubKey;

test("a rotation goes from publishing over switching to retiring", () => {
  const quiet = [key("signing", "active"), key("ca", "active"), key("ca", "published")];
  expect(stageOf("signing", quiet).steps).toEqual(["rotate"]);
  // A root is always published ahead.
  expect(stageOf("ca", quiet).steps).toEqual(["rotate"]);
  const published = [key("signing", "active"), key("signing", "published", { agents_lacking: 2 })];
  const stage = stageOf("signing", published);
  expect([stage.steps, stage.lacking]).toEqual([["switch", "abort"], 2]);
  expect(stage.words).toBe("2 agents lack the next key. Wait for them.");
  const roots = [
    key("ca", "published", { agents_lacking: 0 }),
    key("ca", "published", { agents_lacking: 5 }),
  ];
  expect(stageOf("ca", roots).words).toBe("Every agent has the next key: switch to it.");
  expect(stageOf("signing", [key("signing", "retiring"), key("signing", "active")]).steps).toEqual([
    "retire",
  ]);
});

test("a master key leaves by itself", () => {
  const stage = stageOf("master", [key("master", "active"), key("master", "retiring", { secrets: 7 })]);
  expect([stage.steps, stage.words]).toEqual([
    [],
    "7 secrets are still sealed with the key before: it leaves by itself.",
  ]);
  expect(consequence("master", "rotate")).toContain("Backups");
});
