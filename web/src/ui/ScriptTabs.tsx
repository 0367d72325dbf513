// What runs on servers, and what starts it by itself: two pages of one place.
import { paths } from "@/paths";
import { Tabs } from "./Tabs";

const TABS = [
  { href: paths.scripts, label: "Scripts" },
  { href: paths.automations, label: "Automations" },
];

export function ScriptTabs() {
  return <Tabs tabs={TABS} label="Scripts and automations" />;
}
