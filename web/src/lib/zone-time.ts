// One instant on two clocks: that of a time zone as the hub wrote it, and that of whoever looks.
import { formatClock, formatDate } from "./time";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** `Mon 2026-11-30 03:30 +01:00`: the zone's clock, as the hub wrote it. */
export function zoneTime({ local }: { local: string }): string {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(Z|[+-]\d\d:\d\d)$/.exec(local);
  if (!found) return local;
  const [, date = "", time, offset] = found;
  return `${DAYS[new Date(date).getUTCDay()]} ${date} ${time} ${offset === "Z" ? "+00:00" : offset}`;
}

/** The same instant on the clock of whoever looks. */
export function ownTime({ at }: { at: string }): string {
  const date = new Date(at);
  const east = -date.getTimezoneOffset();
  const pad = (value: number) => String(value).padStart(2, "0");
  const size = Math.abs(east);
  const offset = `${east < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
  return zoneTime({ local: `${formatDate(date)}T${formatClock(date)}${offset}` });
}

/** The zone of who looks. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
