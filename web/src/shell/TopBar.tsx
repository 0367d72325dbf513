// Breadcrumb, live state, search, the user's menu; and the strip that says when live updates are lost.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { Link } from "wouter";
import { api } from "@/api/client";
import { live } from "@/api/live";
import { setPaused, useLiveState, usePaused } from "@/api/live-hooks";
import { queries } from "@/api/queries";
import { useNow } from "@/lib/hooks";
import { useStored } from "@/lib/stored";
import { zoneName } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Icon } from "@/ui/Icon";
import { Menu } from "@/ui/Menu";
import { crumbStore } from "@/ui/Page";
import { Status } from "@/ui/Status";

function Breadcrumb({ unacknowledged }: { unacknowledged: number }) {
  const crumbs = useSyncExternalStore(crumbStore.subscribe, crumbStore.get);
  const last = crumbs.at(-1)?.label ?? "";
  useEffect(() => {
    const count = unacknowledged > 0 ? `(${unacknowledged}) ■ ` : "";
    document.title = `${count}${last ? `${last} · ` : ""}Watchtower`;
  }, [last, unacknowledged]);
  return (
    <nav aria-label="Breadcrumb" style={{ flex: "1 1 auto", minWidth: 0 }}>
      <ol className="crumbs">
        {crumbs.map((crumb, index) => (
          <li key={crumb.label} aria-current={index === crumbs.length - 1 ? "page" : undefined}>
            {crumb.href ? <Link href={crumb.href}>{crumb.label}</Link> : crumb.label}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function LivePill() {
  const state = useLiveState();
  const paused = usePaused();
  const word = paused
    ? "Paused"
    : state.kind === "live"
      ? "Live"
      : state.kind === "lost"
        ? "Offline"
        : "Connecting";
  const tone = paused ? "muted" : state.kind === "live" ? "ok" : state.kind === "lost" ? "warn" : "unknown";
  return (
    <button
      type="button"
      className="chip"
      aria-pressed={paused}
      title={paused ? "Resume live updates (Space)" : "Pause live updates (Space)"}
      onClick={() => setPaused(!paused)}
    >
      <Status tone={tone}>{word}</Status>
    </button>
  );
}

const THEMES = ["system", "light", "dark"] as const;

function UserMenu() {
  const { data: me } = useQuery(queries.me());
  const client = useQueryClient();
  const [theme, setTheme] = useStored("theme", "system");
  const [shortcuts, setShortcuts] = useStored("shortcuts", "on");
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  const signOut = async () => {
    live.stop();
    try {
      await api.post("/logout");
    } finally {
      client.clear();
      window.location.assign("/login");
    }
  };
  return (
    <Menu label={`Menu of ${me?.name ?? "the user"}`} icon="user">
      <div className="menu-title">
        {me?.name}, {me?.role} · times in {zoneName()}
      </div>
      <fieldset>
        <legend className="menu-title">Theme</legend>
        <div className="row" style={{ padding: "0 0.5rem 0.25rem" }}>
          {THEMES.map((name) => (
            <Button key={name} small aria-pressed={theme === name} onClick={() => setTheme(name)}>
              {name}
            </Button>
          ))}
        </div>
      </fieldset>
      <button
        type="button"
        className="menu-item"
        aria-pressed={shortcuts === "on"}
        onClick={() => setShortcuts(shortcuts === "on" ? "off" : "on")}
      >
        Single-key shortcuts: {shortcuts}
      </button>
      <button type="button" className="menu-item" data-closes onClick={() => void signOut()}>
        Sign out
      </button>
    </Menu>
  );
}

interface TopBarProps {
  unacknowledged: number;
  onSearch: () => void;
}

export function TopBar({ unacknowledged, onSearch }: TopBarProps) {
  return (
    <header className="topbar">
      <Breadcrumb unacknowledged={unacknowledged} />
      <LivePill />
      <button type="button" className="button search-button" onClick={onSearch}>
        <Icon name="search" />
        <span>Search</span>
        <kbd>Ctrl K</kbd>
      </button>
      <UserMenu />
    </header>
  );
}

const SHOW_AFTER_MS = 1000;

export function ConnectionStrip() {
  const state = useLiveState();
  const now = useNow(state.kind === "lost" ? 1000 : undefined);
  if (state.kind !== "lost" || Date.now() - state.since < SHOW_AFTER_MS) return null;
  const lost = Math.max(0, Math.round((now - state.since) / 1000));
  const retry = Math.max(0, Math.ceil((state.retryAt - now) / 1000));
  return (
    <div className="strip" role="status">
      <span>
        Live updates lost {lost} s ago, {retry > 0 ? `next try in ${retry} s` : "trying now"}. What you see
        may be old.
      </span>
      <Button small onClick={() => live.retryNow()}>
        Retry now
      </Button>
    </div>
  );
}
