// The frame around every page behind the sign-in: rail, top bar, live connection, keyboard.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Redirect, useLocation } from "wouter";
import { ApiError } from "@/api/client";
import { live } from "@/api/live";
import { setPaused, useChanges, usePaused } from "@/api/live-hooks";
import { queries } from "@/api/queries";
import { useKey } from "@/lib/hooks";
import { paths } from "@/paths";
import { ErrorNotice, Skeleton } from "@/ui/Panel";
import { Toasts } from "@/ui/toast";
import { HaltStrip, HoldStrip } from "./HaltStrip";
import { BottomBar, Rail } from "./Nav";
import { Palette } from "./Palette";
import { Shortcuts } from "./Shortcuts";
import { ConnectionStrip, TopBar } from "./TopBar";
import { useListKeys } from "./useListKeys";

/** Only for someone who is signed in; else the sign-in, or the setup of a fresh hub. */
export function SignedIn({ children }: { children: ReactNode }) {
  const me = useQuery({ ...queries.me(), retry: false });
  const signedOut = me.error instanceof ApiError && me.error.problem.status === 401;
  const setup = useQuery({ ...queries.setupStatus(), enabled: signedOut, retry: false });
  if (signedOut) {
    if (setup.isPending) return null;
    if (setup.data?.needed) return <Redirect to="/setup" replace />;
    return <Redirect to={paths.login(window.location.pathname + window.location.search)} replace />;
  }
  if (me.error && !me.data) {
    return (
      <div className="gate">
        <main>
          <ErrorNotice error={me.error} retry={() => void me.refetch()} title="The hub does not answer" />
        </main>
      </div>
    );
  }
  // Nothing else is asked before it is known that there is a session.
  if (!me.data) return <Skeleton lines={8} />;
  return <Shell>{children}</Shell>;
}

function useUnacknowledgedTitle(): number {
  const { data } = useQuery(queries.overview());
  return data?.stats.unacknowledged ?? 0;
}

const GO: Record<string, string> = {
  o: paths.overview,
  s: paths.servers,
  i: paths.incidents,
  r: paths.rules,
  x: paths.scripts,
  u: paths.runs,
  c: paths.channels,
};
const GO_WITHIN_MS = 1200;

function useGoKeys(): void {
  const [, navigate] = useLocation();
  const [armedAt, setArmedAt] = useState(0);
  useKey("g", () => setArmedAt(Date.now()));
  useEffect(() => {
    if (!armedAt) return;
    const listen = (event: KeyboardEvent) => {
      const target = GO[event.key];
      setArmedAt(0);
      if (target && Date.now() - armedAt < GO_WITHIN_MS) {
        event.preventDefault();
        navigate(target);
      }
    };
    // Captured, so that the letter does not also act on the page.
    window.addEventListener("keydown", listen, { once: true, capture: true });
    return () => window.removeEventListener("keydown", listen, { capture: true });
  }, [armedAt, navigate]);
}

function Shell({ children }: { children: ReactNode }) {
  const [overlay, setOverlay] = useState<"palette" | "shortcuts">();
  const [path] = useLocation();
  const paused = usePaused();
  const unacknowledged = useUnacknowledgedTitle();
  useChanges();
  useGoKeys();
  useListKeys();
  useKey("?", () => setOverlay("shortcuts"));
  useKey(" ", (event) => {
    if ((event.target as Element).closest?.("button, a, [tabindex='0']")) return;
    event.preventDefault();
    setPaused(!paused);
  });
  const client = useQueryClient();
  useEffect(() => {
    live.onSignedOut = () => void client.resetQueries({ queryKey: ["me"] });
    live.start();
    return () => live.stop();
  }, [client]);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOverlay((now) => (now === "palette" ? undefined : "palette"));
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page begins at its top
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [path]);

  return (
    <>
      <a className="button skip" href="#main">
        Skip to content
      </a>
      <div className="shell">
        <Rail unacknowledged={unacknowledged} />
        <div>
          <TopBar unacknowledged={unacknowledged} onSearch={() => setOverlay("palette")} />
          <ConnectionStrip />
          <HaltStrip />
          <HoldStrip />
          <main id="main" tabIndex={-1} style={{ outline: "none" }}>
            {children}
          </main>
        </div>
        <BottomBar />
      </div>
      {overlay === "palette" && <Palette onClose={() => setOverlay(undefined)} />}
      {overlay === "shortcuts" && <Shortcuts onClose={() => setOverlay(undefined)} />}
      <Toasts />
    </>
  );
}
