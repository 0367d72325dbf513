import { expect, test } from "vitest";
import type { Deployment } from "@/api/types";
import { actionOf, upgraded } from "./actions";

const one = (server: string, target: string, change = "upgraded") =>
  ({ server, target, change }) as Deployment;

test("what a batch upgraded is listed for the form, by the same way in", () => {
  const all = [
    one("web-1", "root@10.0.0.1"),
    one("web-2", "ops@[fe80::1]:2222"),
    one("web-3", "ops@fe80::1"),
    one("db-1", "root@db:2200"),
    one("new", "root@new", "installed"),
  ];
  expect(upgraded(all)?.split("\n")).toEqual([
    "name,host,user,port",
    "web-1,10.0.0.1,root,",
    "web-2,fe80::1,ops,2222",
    "web-3,fe80::1,ops,",
    "db-1,db,root,2200",
  ]);
  expect(upgraded([one("new", "root@new", "installed")])).toBeUndefined();
});

test("a word in the address that is none is an installation", () => {
  expect(["rollback", "uninstall", "install", "constructor", ""].map(actionOf)).toEqual([
    "rollback",
    "uninstall",
    "install",
    "install",
    "install",
  ]);
});
