// Where one can go: a rail on wide screens, a bottom bar on the phone.
import { Link, useLocation } from "wouter";
import { paths } from "@/paths";
import { Icon, type IconName } from "@/ui/Icon";
import { Menu } from "@/ui/Menu";
import { Badge } from "@/ui/Status";

interface Destination {
  href: string;
  label: string;
  icon: IconName;
  /** Paths that belong to it. */
  owns: RegExp;
}

export const DESTINATIONS: Destination[] = [
  { href: paths.overview, label: "Overview", icon: "overview", owns: /^\/$/ },
  { href: paths.servers, label: "Servers", icon: "server", owns: /^\/servers/ },
  {
    href: paths.incidents,
    label: "Incidents",
    icon: "incident",
    owns: /^\/(incidents|silences|maintenance|inhibitions|analytics)/,
  },
  { href: paths.rules, label: "Rules", icon: "rule", owns: /^\/rules/ },
  { href: paths.scripts, label: "Scripts", icon: "script", owns: /^\/(scripts|automations)/ },
  { href: paths.runs, label: "Runs", icon: "run", owns: /^\/runs/ },
  { href: paths.deploys, label: "Deploys", icon: "deploy", owns: /^\/deploys/ },
  { href: paths.onCall, label: "On-call", icon: "oncall", owns: /^\/on-call/ },
  { href: paths.channels, label: "Channels", icon: "channel", owns: /^\/channels/ },
];

export const SETTINGS: Destination = {
  href: paths.settings(),
  label: "Settings",
  icon: "settings",
  owns: /^\/settings/,
};

export function Rail({ unacknowledged }: { unacknowledged: number }) {
  const [path] = useLocation();
  const item = (to: Destination) => (
    <Link
      key={to.href}
      href={to.href}
      className="rail-link"
      aria-current={to.owns.test(path) ? "page" : undefined}
      title={to.label}
    >
      <Icon name={to.icon} />
      <span>{to.label}</span>
      {to.href === paths.incidents && unacknowledged > 0 && (
        <span className="count">
          <Badge tone="crit">
            {unacknowledged}
            <span className="visually-hidden"> unacknowledged</span>
          </Badge>
        </span>
      )}
    </Link>
  );
  return (
    <nav className="rail" aria-label="Main">
      <Link href={paths.overview} className="brand" title="Watchtower">
        <img src="/icon.svg" alt="" />
        <span>Watchtower</span>
      </Link>
      {DESTINATIONS.map(item)}
      <div className="gap" />
      {item(SETTINGS)}
    </nav>
  );
}

const IN_BAR = [paths.incidents, paths.servers, paths.overview];

export function BottomBar() {
  const [path] = useLocation();
  const find = (href: string) => DESTINATIONS.find((to) => to.href === href) ?? SETTINGS;
  const rest = [...DESTINATIONS.filter((to) => !IN_BAR.includes(to.href)), SETTINGS];
  return (
    <nav className="bottombar" aria-label="Main">
      {IN_BAR.map(find).map((to) => (
        <Link key={to.href} href={to.href} aria-current={to.owns.test(path) ? "page" : undefined}>
          <Icon name={to.icon} />
          <span>{to.label}</span>
        </Link>
      ))}
      <Menu label="More pages" icon="more" text="More" className="">
        {rest.map((to) => (
          <Link key={to.href} href={to.href} className="menu-item">
            <Icon name={to.icon} />
            {to.label}
          </Link>
        ))}
      </Menu>
    </nav>
  );
}
