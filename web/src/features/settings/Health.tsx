// How the watchman himself does.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { formatBytes, formatCount, formatSeconds } from "@/lib/units";
import { Ago } from "@/ui/Ago";
import { Loaded, Panel } from "@/ui/Panel";
import { Status } from "@/ui/Status";

export function Health() {
  const status = useQuery(queries.status());
  return (
    <Panel title="Hub health">
      <Loaded query={status} lines={6}>
        {(hub) => (
          <div className="stack">
            {hub.problems.length === 0 ? (
              <Status tone="ok">The hub is well</Status>
            ) : (
              <ul className="notice tone-warn">
                {hub.problems.map((problem) => (
                  <li key={problem}>
                    <strong>{problem}</strong>
                  </li>
                ))}
              </ul>
            )}
            <dl className="facts">
              {[
                ["Version", hub.version],
                ["Started", <Ago key="started" at={hub.started_at} />],
                ["Database", hub.database],
                ["Bus", hub.bus],
                ["Agents connected", formatCount(hub.agents_connected)],
                ["Series", formatCount(hub.series)],
                ["Samples per second", formatCount(hub.samples_per_second)],
                ["Oldest unsent message", formatSeconds(hub.outbox_lag_seconds)],
                ["Memory", formatBytes(hub.memory_bytes)],
                ["Disk free", formatBytes(hub.disk_free_bytes)],
              ].map(([name, value]) => (
                <div key={String(name)}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
