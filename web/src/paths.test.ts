import { expect, test } from "vitest";
import { paths, safeNext } from "./paths";

test("names with odd letters stay one path segment", () => {
  expect(paths.server("a/b c", "events")).toBe("/servers/a%2Fb%20c/events");
  expect(paths.login("/incidents/142?x=1")).toBe("/login?next=%2Fincidents%2F142%3Fx%3D1");
});

test("after signing in one stays on this site", () => {
  expect(safeNext("/incidents/142")).toBe("/incidents/142");
  for (const evil of ["//evil.example", "https://evil.example", "/\\evil.example", "", null]) {
    expect(safeNext(evil)).toBe("/");
  }
});
