// How to sign in, as the form holds it, and as it is sent. Secrets live in the form's state and nowhere else.
import type { SshAccess } from "@/api/types";

export type Method = "key" | "password" | "saved";

export interface Draft {
  method: Method;
  user: string;
  port: string;
  jump: string;
  privateKey: string;
  passphrase: string;
  password: string;
  sudoPassword: string;
  credential: string;
  legacy: boolean;
}

export const EMPTY: Draft = {
  method: "key",
  user: "",
  port: "",
  jump: "",
  privateKey: "",
  passphrase: "",
  password: "",
  sudoPassword: "",
  credential: "",
  legacy: false,
};

const PORT_MAX = 65_535;

/** What is missing before anything can be sent. */
export function missing(draft: Draft): string | undefined {
  if (draft.method === "key" && !draft.privateKey.trim()) return "Paste a private key, or choose its file.";
  if (draft.method === "password" && !draft.password) return "Give the password.";
  if (draft.method === "saved" && !draft.credential) return "Choose a saved credential.";
  return portProblem(draft.port);
}

export function portProblem(port: string): string | undefined {
  if (port.trim() === "") return undefined;
  const number = Number(port);
  const good = Number.isInteger(number) && number >= 1 && number <= PORT_MAX;
  return good ? undefined : `A port is a number from 1 to ${PORT_MAX}.`;
}

/** As the hub takes it: only what belongs to the chosen method. */
export function toAccess(draft: Draft): SshAccess {
  const given = (text: string) => (text.trim() === "" ? null : text);
  const key = draft.method === "key";
  return {
    user: given(draft.user.trim()),
    port: draft.port.trim() === "" ? null : Number(draft.port),
    jump: draft.jump.split(/[\s,]+/).filter(Boolean),
    credential: draft.method === "saved" ? draft.credential : null,
    password: draft.method === "password" ? draft.password : null,
    private_key: key ? given(draft.privateKey) : null,
    passphrase: key ? given(draft.passphrase) : null,
    sudo_password: given(draft.sudoPassword),
    legacy_algorithms: draft.legacy,
  };
}
