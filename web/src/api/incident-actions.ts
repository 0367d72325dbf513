// Acknowledging shows at once and is undone on screen if the hub refuses.
import { useQueryClient } from "@tanstack/react-query";
import { api } from "./client";
import { queries } from "./queries";
import type { Incident, Overview } from "./types";

type IncidentList = { items: Incident[]; next?: string };

/** The incident as it will look once acknowledged. */
export function acknowledged(incident: Incident, by: string, at: Date): Incident {
  if (incident.state !== "triggered") return incident;
  return {
    ...incident,
    state: "acknowledged",
    acknowledged_by: by,
    acknowledged_at: at.toISOString(),
    pending_actions: [],
  };
}

/** Sends the acknowledgement; every cached copy of the incident changes before the answer comes. */
export function useAcknowledge(): (incident: Incident) => Promise<Incident> {
  const client = useQueryClient();
  return async (incident) => {
    await client.cancelQueries({ queryKey: ["incident"] });
    const by = client.getQueryData(queries.me().queryKey)?.name ?? "you";
    const change = (one: Incident) => (one.id === incident.id ? acknowledged(one, by, new Date()) : one);
    const before = client.getQueriesData({ queryKey: ["incident"] });
    client.setQueriesData<IncidentList>({ queryKey: ["incident", "list"] }, (list) =>
      list ? { ...list, items: list.items.map(change) } : list,
    );
    client.setQueriesData<Incident>({ queryKey: ["incident", "one"] }, (one) => (one ? change(one) : one));
    client.setQueryData<Overview>(["overview"], (overview) =>
      overview
        ? { ...overview, needs_action: overview.needs_action.filter((one) => one.id !== incident.id) }
        : overview,
    );
    try {
      return await api.post("/incidents/{incident}/ack", { path: { incident: String(incident.number) } });
    } catch (error) {
      for (const [key, data] of before) client.setQueryData(key, data);
      throw error;
    } finally {
      void client.invalidateQueries({ queryKey: ["incident"] });
      void client.invalidateQueries({ queryKey: ["overview"] });
    }
  };
}
