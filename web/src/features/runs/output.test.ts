import { expect, test } from "vitest";
import type { Execution } from "@/api/types";
import { addParts, describe, earlierWords, LINES_MAX, toLines } from "./output";

const part = (sequence: number, text: string, offset = 0, stream = "stdout") => ({
  sequence,
  text,
  offset,
  stream,
});

test("a line that came in two parts is one line", () => {
  const lines = toLines([part(1, "one\ntw", 0), part(2, "o\nthree", 6)]);
  expect(lines.map((line) => line.text)).toEqual(["one", "two", "three"]);
});

test("the other stream begins a line of its own", () => {
  const lines = toLines([part(1, "out", 0), part(2, "err\n", 0, "stderr"), part(3, "more\n", 3)]);
  expect(lines.map((line) => [line.stream, line.text])).toEqual([
    ["stdout", "out"],
    ["stderr", "err"],
    ["stdout", "more"],
  ]);
});

test("what was left out is said", () => {
  const lines = toLines([part(1, "head\n", 0), part(2, "tail\n", 105)]);
  expect(lines.map((line) => line.text)).toEqual(["head", "… 100 bytes left out …", "tail"]);
});

test("an offset counts bytes, not characters", () => {
  expect(toLines([part(1, "é\n", 0), part(2, "x\n", 3)]).map((line) => line.text)).toEqual(["é", "x"]);
});

test("parts that are known already are skipped, and the view is bounded", () => {
  expect(
    addParts([part(1, "a"), part(2, "b")], [part(2, "b"), part(3, "c")]).map((one) => one.sequence),
  ).toEqual([1, 2, 3]);
  expect(toLines([part(1, "x\n".repeat(LINES_MAX + 10))]).length).toBe(LINES_MAX);
});

test("another try is said, and what became of the one before", () => {
  const execution: Execution = {
    id: "b",
    server_id: "s",
    server: "web-1",
    state: "succeeded",
    exit_code: 0,
    reason: "second try: the first was lost",
    created_at: "2026-11-30T00:00:00.000Z",
    started_at: null,
    finished_at: null,
    stdout_bytes: 0,
    stderr_bytes: 0,
    try_number: 2,
    earlier: [{ id: "a", state: "lost", reason: "it may have run", started_at: null, finished_at: null }],
  };
  expect(describe(execution)).toBe("succeeded, exit 0, try 2");
  expect(describe({ ...execution, try_number: 1 })).toBe("succeeded, exit 0");
  expect(execution.earlier?.map((one, index) => earlierWords(one, index + 1))).toEqual([
    "Try 1 was lost: it may have run",
  ]);
});
