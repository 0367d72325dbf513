// Tabs as links: every tab is a URL.
import { Link, useLocation } from "wouter";

export interface Tab {
  href: string;
  label: string;
}

/** `at` is the present tab's URL where the page has more than one: by id and by name. */
export function Tabs({ tabs, label, at }: { tabs: readonly Tab[]; label: string; at?: string }) {
  const [path] = useLocation();
  const present = at ?? path;
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.href} href={tab.href} aria-current={present === tab.href ? "page" : undefined}>
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
