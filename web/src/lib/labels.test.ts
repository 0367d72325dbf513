import { expect, test } from "vitest";
import { keysToRefetch } from "./change-keys";
import { fuzzyScore } from "./fuzzy";
import { formatMatchers, naturalCompare, parseLabels, writeLabels } from "./labels";
import { shellWord } from "./shell";
import { withParam } from "./url-state";
import { visibleRows } from "./window";

test("labels are read from commas or spaces and written back", () => {
  const { labels, error } = parseLabels("env=prod,  role=web zone=eu-1");
  expect(error).toBeUndefined();
  expect(labels).toEqual({ env: "prod", role: "web", zone: "eu-1" });
  expect(parseLabels(writeLabels(labels)).labels).toEqual(labels);
});

test("a wrong label is named with its fix", () => {
  expect(parseLabels("env=prod role").error).toContain('"role"');
  expect(parseLabels("9lives=cat").error).toContain("9lives");
});

test("matchers quote what would end the string", () => {
  expect(formatMatchers({ path: 'C:\\a "b"' })).toBe('path="C:\\\\a \\"b\\""');
});

test("web-2 comes before web-10", () => {
  expect(["web-10", "web-2", "db-1"].sort(naturalCompare)).toEqual(["db-1", "web-2", "web-10"]);
});

test("the palette prefers word starts and refuses letters out of order", () => {
  const score = (text: string) => fuzzyScore("wp", text) ?? -1;
  expect(score("web-prod")).toBeGreaterThan(score("swamp"));
  expect(fuzzyScore("pw", "web-prod")).toBeUndefined();
});

test("one parameter changes and the others stay; a default leaves the address", () => {
  expect(withParam("?q=web&status=up", "q", "db")).toBe("q=db&status=up");
  expect(withParam("?q=web&status=up", "q", "")).toBe("status=up");
  expect(withParam("?sort=cpu", "sort", "worst", "worst")).toBe("");
});

test("a change refetches what shows it", () => {
  expect([...keysToRefetch(["incident"])]).toEqual(["incident", "overview"]);
  expect(keysToRefetch(["something new"])).toContain("something new");
});

test("only rows near the view are in the document", () => {
  expect(visibleRows(1000, 36, 0, 720, 8)).toEqual({ start: 0, end: 28 });
  expect(visibleRows(1000, 36, -3600, 720, 8)).toEqual({ start: 92, end: 128 });
  expect(visibleRows(1000, 36, -36_000, 720, 8).end).toBe(1000);
  expect(visibleRows(3, 36, 100, 720)).toEqual({ start: 0, end: 3 });
  expect(visibleRows(0, 36, 100, 720)).toEqual({ start: 0, end: 0 });
});

test("a word for the shell is quoted when it must be", () => {
  expect(shellWord("web-1.example")).toBe("web-1.example");
  expect(shellWord("it's $HOME")).toBe("'it'\\''s $HOME'");
  expect(shellWord("")).toBe("''");
});
