import { expect, test } from "vitest";
import { mappingDraft, mappingOf } from "./mapping";

test("a mapping survives being typed", () => {
  const mapping = {
    items: "alerts",
    key: "id",
    title: "check.name",
    state: "status",
    resolved: ["ok", "up"],
    labels: { host: "host.name", site: 'tags["data centre"]' },
  };
  expect(mappingOf(mappingDraft(mapping))).toEqual(mapping);
});

test("what cannot be read is a sentence", () => {
  const draft = mappingDraft(undefined);
  expect(mappingOf(draft)).toBe("Say where the title is.");
  for (const labels of ["host", "=path", "host="]) {
    expect(mappingOf({ ...draft, title: "t", labels })).toBe("Write labels as name=path, a line each.");
  }
  expect(mappingOf({ ...draft, title: " t ", resolved: "ok, ,up" })).toEqual({
    title: "t",
    resolved: ["ok", "up"],
    labels: {},
  });
});
