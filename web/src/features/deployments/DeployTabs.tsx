// Agents installed over SSH, and the agents there are: two pages of one place.
import { paths } from "@/paths";
import { Tabs } from "@/ui/Tabs";

const TABS = [
  { href: paths.deploys, label: "Deploys" },
  { href: paths.agents, label: "Agents" },
];

export function DeployTabs() {
  return <Tabs tabs={TABS} label="Deploys and agents" />;
}
