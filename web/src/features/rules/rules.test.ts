import { expect, test } from "vitest";
import type { Rule } from "@/api/types";
import { draftOf, inputOf, newDraft, problemsIn } from "./draft";
import { indexOfByte } from "./Preview";
import {
  METRICS,
  normalizeMatchers,
  readSentence,
  type Sentence,
  toSeriesMatchers,
  toServerMatchers,
  writeSentence,
} from "./sentence";

const SELECTORS = [
  "",
  'env="prod"',
  'instance="web-1"',
  'env="prod",role=~"web|db"',
  'note="a } b > 3, (x)"',
];

test("every sentence is read back from its PromQL", () => {
  for (const metric of METRICS) {
    for (const on of SELECTORS) {
      for (const [direction, value] of [
        ["above", 90],
        ["below", 0.5],
      ] as const) {
        const sentence: Sentence = { metric: metric.id, on, direction, value };
        expect(readSentence(writeSentence(sentence))).toEqual(sentence);
      }
    }
  }
});

test("other PromQL is never taken for a sentence", () => {
  const cpu = writeSentence({ metric: "cpu", on: "", direction: "above", value: 90 });
  for (const expr of [
    "up == 0",
    "node_load1 > 3",
    cpu.replace("[2m]", "[5m]"),
    `${cpu} and up`,
    `sum(${cpu})`,
    '100 * node_memory_MemAvailable_bytes{a="1"} / node_memory_MemTotal_bytes{a="2"} < 10',
  ]) {
    expect(readSentence(expr), expr).toBeUndefined();
  }
});

test("matchers are typed as people do and translated between servers and series", () => {
  expect(normalizeMatchers("env=prod role=web")).toBe('env="prod",role="web"');
  expect(normalizeMatchers('env=~"a|b"')).toBe('env=~"a|b"');
  expect(toSeriesMatchers('name="web-1",hostname="x"')).toBe('instance="web-1",hostname="x"');
  expect(toServerMatchers('env="p", instance=~"w.*"')).toBe('env="p",name=~"w.*"');
});

test("a stored rule comes back unchanged from the editor", () => {
  const draft = newDraft("disk_used");
  const input = inputOf({ ...draft, name: "disk", recoverAt: "80", summary: "s" });
  expect(input.recover_expr).toMatch(/ < 80$/);
  const stored = { ...input, annotations: { ...input.annotations, runbook_url: "u" } } as unknown as Rule;
  const again = draftOf(stored);
  expect(again.mode).toBe("sentence");
  expect(inputOf(again)).toEqual(stored);
});

test("a recovery that no sentence wrote opens the PromQL editor and keeps it", () => {
  const input = inputOf({ ...newDraft(), name: "cpu" });
  const stored = { ...input, recover_expr: "up == 1" } as unknown as Rule;
  expect(draftOf(stored).mode).toBe("promql");
  expect(inputOf(draftOf(stored)).recover_expr).toBe("up == 1");
});

test("problems name the field and the fix", () => {
  expect(problemsIn({ ...newDraft(), name: "x", forText: "soon" })).toEqual({
    forText: "Write a time such as 5m or 90s.",
  });
  expect(problemsIn({ ...newDraft(), name: "x", recoverAt: "95" }).recoverAt).toBe("Must be below 90.");
  expect(problemsIn({ ...newDraft(), name: "x", mode: "event", eventKind: " " }).eventKind).toBeTruthy();
});

test("the hub's byte offsets become places in the text", () => {
  expect(indexOfByte('a="é" +', 7)).toBe(6);
});
