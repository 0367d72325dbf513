// The charts of a server: fetched whole for a range, then appended as reports come while the page is live.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { api } from "@/api/client";
import type { Panel, Panels } from "@/api/types";
import { append } from "@/charts/series";
import { isLive, lengthSeconds, type Range, stepSeconds } from "@/lib/range";

/** `delta` behind `old`, both of one step; what is older than `from` is cut. Panels keep the order of the newer answer. */
export function mergePanels(old: Panels, delta: Panels, from: number): Panels {
  const merged = delta.panels.map((panel): Panel => {
    const before = old.panels.find((candidate) => candidate.id === panel.id);
    if (!before) return panel;
    return { ...panel, ...append(before, panel, from) };
  });
  const { warnings } = old;
  return { ...delta, from_at: new Date(from * 1000).toISOString(), panels: merged, warnings };
}

function newest(panels: Panels): number {
  return Math.max(0, ...panels.panels.map((panel) => panel.times.at(-1) ?? 0));
}

export function usePanels(server: string, range: Range) {
  const client = useQueryClient();
  const step = stepSeconds(range);
  const key = ["panels", server, range.from, range.to];
  const busy = useRef(false);
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      api.get("/servers/{server}/panels", {
        signal,
        path: { server },
        query: { from: range.from, to: range.to, step: String(step) },
      }),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (previous) => previous,
  });

  /** Fetches what is newer than the last point; at most one call at a time. */
  const extend = async () => {
    const old = client.getQueryData<Panels>(key);
    if (!old || busy.current || !isLive(range)) return;
    const now = Date.now() / 1000;
    const since = newest(old) + old.step_seconds;
    if (now < since) return;
    busy.current = true;
    try {
      const delta = await api.get("/servers/{server}/panels", {
        path: { server },
        query: { from: since.toFixed(3), to: "now", step: String(old.step_seconds) },
      });
      const merged = mergePanels(old, delta, now - lengthSeconds(range));
      client.setQueryData(key, merged);
    } catch {
      // The next report tries again; the strip tells when the hub is gone.
    } finally {
      busy.current = false;
    }
  };
  return { query, extend };
}
