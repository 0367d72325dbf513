// The metric that broke: its line, the threshold, and the time of the incident shaded.
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { queryRange } from "@/api/prometheus";
import type { Incident } from "@/api/types";
import { Chart } from "@/charts/Chart";
import { seriesNames } from "@/charts/names";
import { formatCount } from "@/lib/units";
import { Loaded, Panel } from "@/ui/Panel";

const LEAD_SECONDS = 1800;
const POINTS = 300;
const REFRESH_MS = 10_000;

interface Props {
  incident: Incident;
  hint: Schemas["ChartHint"];
}

export function IncidentChart({ incident, hint }: Props) {
  const start = Date.parse(incident.triggered_at) / 1000;
  const resolved = incident.resolved_at ? Date.parse(incident.resolved_at) / 1000 : undefined;
  const query = useQuery({
    queryKey: ["range", hint.expr, incident.id, resolved ?? "open"],
    queryFn: async ({ signal }) => {
      const end =
        resolved === undefined ? Date.now() / 1000 : Math.min(Date.now() / 1000, resolved + LEAD_SECONDS / 3);
      const from = start - LEAD_SECONDS;
      const step = Math.max(1, Math.ceil((end - from) / POINTS));
      const result = await queryRange(hint.expr, Math.floor(from / step) * step, end, step, signal);
      return { ...result, from, end };
    },
    refetchInterval: resolved === undefined ? REFRESH_MS : false,
  });
  const threshold =
    hint.threshold == null
      ? undefined
      : { value: hint.threshold, label: `${hint.direction ?? "threshold"} ${formatCount(hint.threshold)}` };
  return (
    <Panel title="What broke">
      <Loaded query={query} lines={8}>
        {({ times, series, from, end }) => (
          <Chart
            title={hint.expr}
            columns={{ times, series: seriesNames(series) }}
            look={{
              unit: "count",
              stacked: false,
              height: 220,
              threshold,
              window: { from: start, to: resolved ?? end },
            }}
            range={{ from, to: end }}
            expr={hint.expr}
          />
        )}
      </Loaded>
    </Panel>
  );
}
