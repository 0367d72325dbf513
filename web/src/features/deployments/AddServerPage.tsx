// Add servers: over SSH from here, or by one line that is pasted on the server.
import { useUrlState } from "@/lib/url-state";
import { paths } from "@/paths";
import { Page } from "@/ui/Page";
import { Tabs } from "@/ui/Tabs";
import { ACTIONS, actionOf } from "./actions";
import { Installer } from "./Installer";
import { SshForm } from "./SshForm";

const PARENTS = [{ label: "Servers", href: paths.servers }];
const WAYS = [
  { href: paths.serverAdd, label: "Run one line" },
  { href: paths.serverAddBySsh, label: "Connect by SSH" },
];

export function AddServerPage() {
  const [by] = useUrlState("by");
  const [asked] = useUrlState("do", "install");
  const ssh = by === "ssh";
  const { page } = ACTIONS[actionOf(asked)];
  if (ssh && page) {
    return (
      <Page title={page.title} parents={PARENTS} cli={page.cli}>
        <p className="dim">{page.intro}</p>
        <SshForm />
      </Page>
    );
  }
  return (
    <Page
      title="Add servers"
      parents={PARENTS}
      cli={ssh ? "watchtower agent deploy root@HOST" : "watchtower server add NAME"}
    >
      <Tabs label="Ways to add a server" tabs={WAYS} at={ssh ? paths.serverAddBySsh : paths.serverAdd} />
      <p className="dim">
        {ssh
          ? "The hub signs in, installs the agent and waits for its first report: one server or hundreds, ten at once."
          : "Works wherever the server can reach the hub, behind NAT too: nothing needs to reach the server."}
      </p>
      {ssh ? <SshForm /> : <Installer />}
    </Page>
  );
}
