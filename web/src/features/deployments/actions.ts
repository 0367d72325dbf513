// What a deployment can do, and the words for it.
import type { Deployment } from "@/api/types";
import { type SshHost, sshHosts } from "@/paths";

export type Action = Deployment["action"];

interface Words {
  /** Before the name of a server, or how many there are. */
  verb: string;
  /** Of the button while there is no host. */
  bare: string;
  danger?: boolean;
  /** The page of its own that the form has for it. */
  page?: { title: string; intro: string; cli: string };
}

export const ACTIONS: Record<Action, Words> = {
  install: { verb: "Install on", bare: "Install" },
  rollback: {
    verb: "Roll back",
    bare: "Roll back",
    page: {
      title: "Roll back agents",
      intro:
        "The hub signs in and puts the agent back to the version that the host kept at its last upgrade. The newer one is kept instead: the same again returns to it, and it comes back by itself if the older one does not report.",
      cli: "watchtower agent rollback root@HOST",
    },
  },
  uninstall: {
    verb: "Uninstall from",
    bare: "Uninstall",
    danger: true,
    page: {
      title: "Uninstall agents",
      intro: "The hub signs in, removes the agent, and checks that nothing is left.",
      cli: "watchtower agent uninstall root@HOST",
    },
  },
};

/** Of a word in the address. */
export function actionOf(word: string): Action {
  return Object.hasOwn(ACTIONS, word) ? (word as Action) : "install";
}

/** Where a batch upgraded agents, to be rolled back: their list for the form. */
export function upgraded(all: readonly Deployment[]): string | undefined {
  const hosts = all.filter((one) => one.change === "upgraded").map(hostOf);
  return hosts.length > 0 ? sshHosts(hosts) : undefined;
}

/** `user@host:port`, an IPv6 address in brackets where a port follows it. */
function hostOf({ server, target }: Pick<Deployment, "server" | "target">): SshHost {
  const at = target.lastIndexOf("@");
  const place = target.slice(at + 1);
  const withPort = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(place);
  const host = withPort?.[1] ?? withPort?.[2] ?? place;
  return { name: server, host, user: target.slice(0, Math.max(0, at)), port: withPort?.[3] ?? "" };
}
