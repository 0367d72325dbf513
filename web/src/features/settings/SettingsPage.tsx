// Settings, one section per URL.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { paths } from "@/paths";
import { Forbidden } from "@/ui/Forbidden";
import { Page } from "@/ui/Page";
import { Empty, Panel } from "@/ui/Panel";
import { Tabs } from "@/ui/Tabs";
import { Audit } from "./Audit";
import { Health } from "./Health";
import { Heartbeats } from "./Heartbeats";
import { Integrations } from "./Integrations";
import { Keys } from "./Keys";
import { Policies } from "./Policies";
import { Routing } from "./Routing";
import { Services } from "./Services";
import { Ssh } from "./Ssh";
import { Teams } from "./Teams";
import { Tokens } from "./Tokens";
import { Users } from "./Users";

const SECTIONS = [
  { id: "services", label: "Services", part: Services, cli: "watchtower service list" },
  { id: "routes", label: "Routes", part: Routing, cli: "watchtower route list" },
  { id: "policies", label: "Escalation", part: Policies, cli: "watchtower policy list" },
  { id: "heartbeats", label: "Heartbeats", part: Heartbeats, cli: "watchtower heartbeat list" },
  { id: "integrations", label: "Integrations", part: Integrations, cli: "watchtower integration list" },
  { id: "teams", label: "Teams", part: Teams, cli: "watchtower team list" },
  { id: "users", label: "Users", part: Users, cli: "watchtower user list" },
  { id: "tokens", label: "API tokens", part: Tokens, cli: "watchtower token list", admin: true },
  { id: "ssh", label: "SSH", part: Ssh, cli: "watchtower credential list" },
  { id: "keys", label: "Keys", part: Keys, cli: "watchtower config keys show", admin: true },
  { id: "audit", label: "Audit log", part: Audit, cli: "watchtower audit list", admin: true },
  { id: "health", label: "Hub health", part: Health, cli: "watchtower status" },
];

export function SettingsPage({ params }: { params: { section?: string } }) {
  const { data: me } = useQuery(queries.me());
  const section = SECTIONS.find(({ id }) => id === (params.section ?? "services"));
  const mayAdmin = me?.role === "admin";
  const tabs = SECTIONS.filter(({ admin }) => !admin || mayAdmin).map(({ id, label }) => ({
    href: paths.settings(id),
    label,
  }));
  const Part = section?.part;
  return (
    <Page
      title={section?.label ?? "Settings"}
      parents={[{ label: "Settings", href: paths.settings() }]}
      cli={section?.cli}
    >
      <Tabs tabs={tabs} label="Settings" />
      {Part && me && (!section.admin || mayAdmin) && <Part />}
      {section?.admin && me && !mayAdmin && <Forbidden />}
      {!section && (
        <Panel>
          <Empty title="There is no such section" />
        </Panel>
      )}
    </Page>
  );
}
