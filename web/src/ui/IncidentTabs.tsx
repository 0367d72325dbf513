// What went wrong, and when nobody is to be told: four pages of one place.
import { paths } from "@/paths";
import { Tabs } from "./Tabs";

const TABS = [
  { href: paths.incidents, label: "Incidents" },
  { href: paths.silences, label: "Silences" },
  { href: paths.maintenance, label: "Maintenance" },
  { href: paths.inhibitions, label: "Inhibitions" },
];

export function IncidentTabs() {
  return <Tabs tabs={TABS} label="Incidents and silences" />;
}
