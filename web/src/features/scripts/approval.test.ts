import { expect, test } from "vitest";
import type { Script, Server } from "@/api/types";
import { approvalOf, countPolicies, policySentences } from "./approval";

const NOW = Date.parse("2026-11-30T12:00:00.000Z");
const script = (expires_at?: string) =>
  ({ approval: expires_at ? { key: "SHA256:x", expires_at } : null }) as unknown as Script;
const server = (policy?: string) => ({ facts: policy ? { policy } : null }) as unknown as Server;

test("an approval holds until it expires", () => {
  expect(approvalOf(script(), NOW)).toBe("not signed");
  expect(approvalOf(script("2026-11-30T12:00:01.000Z"), NOW)).toBe("signed");
  expect(approvalOf(script("2026-11-30T11:59:59.000Z"), NOW)).toBe("expired");
});

test("each policy says what it makes of the script", () => {
  const policies = countPolicies([server("allowlist"), server("full"), server("full"), server()]);
  expect(policies).toEqual({ full: 2, allowlist: 1, monitor: 0 });
  expect(policySentences(policies, "signed")).toEqual([
    "1 server with the policy allowlist runs it if the policy lists its hash, or the approver's key.",
    "2 servers with the policy full run it, signed or not.",
  ]);
  expect(policySentences({ full: 0, allowlist: 3, monitor: 1 }, "expired")).toEqual([
    "3 servers with the policy allowlist run it if the policy lists its hash: no signature stands for it.",
    "1 server with the policy monitor runs nothing.",
  ]);
});
