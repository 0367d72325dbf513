import { expect, test } from "vitest";
import type { Deployment } from "@/api/types";
import { outcome, stepName, summary, tookOf } from "./steps";

const one = (status: string, more = {}) => ({ status, ...more }) as Deployment;

test("a batch is summed up with what needs attention", () => {
  const all = [one("succeeded"), one("failed"), one("running"), one("pending"), one("cancelled")];
  expect(summary(all)).toBe("1 of 5 done, 1 failed, 1 running, 1 waiting, 1 cancelled");
});

test("a host is told by its code, its change or its state", () => {
  expect(outcome(one("failed", { failure: { code: "E_AUTH" } }))).toBe("E_AUTH");
  expect(outcome(one("succeeded", { change: "already_there" }))).toBe("already there");
  expect(outcome(one("pending"))).toBe("pending");
});

test("steps have names, and a time that runs while they do", () => {
  expect([stepName("host_key"), stepName("new_step")]).toEqual(["Host key", "new step"]);
  const started_at = "2026-11-25T00:00:00.000Z";
  expect(tookOf({ started_at, ended_at: "2026-11-25T00:00:00.420Z" }, 0)).toBe("0.42 s");
  expect(tookOf({ started_at, ended_at: null }, Date.parse(started_at) + 12_400)).toBe("12 s");
});
