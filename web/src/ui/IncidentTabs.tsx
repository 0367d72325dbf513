// What went wrong, when nobody is to be told, and how it went: the pages of one place.
import { paths } from "@/paths";
import { Tabs } from "./Tabs";

const TABS = [
  { href: paths.incidents, label: "Incidents" },
  { href: paths.silences, label: "Silences" },
  { href: paths.maintenance, label: "Maintenance" },
  { href: paths.inhibitions, label: "Inhibitions" },
  { href: paths.analytics, label: "How it went" },
];

export function IncidentTabs() {
  return <Tabs tabs={TABS} label="Incidents and silences" />;
}
