// Due times of the future, on the clocks of the trigger's zone and of whoever looks.
import type { FiringTime } from "@/api/types";
import { useNow } from "@/lib/hooks";
import { formatAgo } from "@/lib/time";
import { ownTime, zoneTime } from "@/lib/zone-time";

const OFTEN_MS = 30_000;

export function Times({ times, zone }: { times: readonly FiringTime[]; zone: string }) {
  const now = useNow(OFTEN_MS);
  return (
    <ol aria-label={`Next firings, ${zone}`}>
      {times.map((time) => {
        const [there, here] = [zoneTime(time), ownTime(time)];
        return (
          <li key={time.at} className="list-row row">
            <span className="nowrap">{there}</span>
            <span className="meta dots">
              <span>{there === here ? "your time too" : `${withoutDay(here, there)} your time`}</span>
              <span>{formatAgo(time.at, now)}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** The day is said once where it is the same on both clocks. */
function withoutDay(here: string, there: string): string {
  const day = /^\w{3} \S+ /.exec(there)?.[0];
  return day && here.startsWith(day) ? here.slice(day.length) : here;
}
