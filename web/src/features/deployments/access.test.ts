import { expect, test } from "vitest";
import { EMPTY, missing, toAccess } from "./access";

const FULL = {
  ...EMPTY,
  privateKey: "KEY",
  passphrase: "p",
  password: "w",
  credential: "c",
  sudoPassword: "s",
};

test("only the secrets of the chosen way are sent", () => {
  expect(toAccess({ ...FULL, method: "key" })).toMatchObject({
    private_key: "KEY",
    passphrase: "p",
    password: null,
    credential: null,
    sudo_password: "s",
  });
  expect(toAccess({ ...FULL, method: "password" })).toMatchObject({ private_key: null, password: "w" });
  expect(toAccess({ ...FULL, method: "saved" })).toMatchObject({
    private_key: null,
    password: null,
    credential: "c",
  });
});

test("user, port and jump hosts are sent as the hub reads them", () => {
  const access = toAccess({ ...EMPTY, user: " ops ", port: "2222", jump: "gate, inner:22" });
  expect([access.user, access.port, access.jump]).toEqual(["ops", 2222, ["gate", "inner:22"]]);
});

test("what is missing is said before anything is sent", () => {
  expect(missing(EMPTY)).toContain("private key");
  expect(missing({ ...FULL, method: "password", password: "" })).toContain("password");
  expect(missing({ ...FULL, port: "70000" })).toContain("65535");
  expect(missing(FULL)).toBeUndefined();
});
