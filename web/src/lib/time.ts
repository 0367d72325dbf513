// Times: stored in UTC, shown in the viewer's zone with its short name, ISO dates and 24 hours.

export type Instant = string;

export function millis(at: Instant): number {
  return Date.parse(at);
}

const pad = (value: number, width = 2) => String(value).padStart(width, "0");

export function formatClock(at: Date): string {
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

export function formatDate(at: Date): string {
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

/** `2026-11-24 22:51:17 CET`. */
export function formatExact(at: Instant | Date): string {
  const date = typeof at === "string" ? new Date(at) : at;
  return `${formatDate(date)} ${formatClock(date)} ${zoneName(date)}`;
}

/** The time alone when it is today, else with its date. */
export function formatShort(at: Instant, now = new Date()): string {
  const date = new Date(at);
  return formatDate(date) === formatDate(now)
    ? formatClock(date)
    : `${formatDate(date)} ${formatClock(date)}`;
}

export function zoneName(at = new Date()): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(at);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** `just now`, `12 s ago`, `4 m ago`, `in 3 m`. */
export function formatAgo(at: Instant, now: number): string {
  const seconds = Math.round((now - millis(at)) / 1000);
  if (Math.abs(seconds) < 2) return "just now";
  const text = formatAge(Math.abs(seconds));
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

/** One unit, rounded down: `12 s`, `4 m`, `3 h`, `6 d`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `in 3:10`, or `now`: what follows an action that will happen. */
export function formatDue(at: Instant, now: number): string {
  const clock = formatCountdown(at, now);
  return clock === "now" ? clock : `in ${clock}`;
}

/** A clock that runs down: `3:10`, `1:04:00`; `now` when it is over. */
export function formatCountdown(at: Instant, now: number): string {
  const seconds = Math.ceil((millis(at) - now) / 1000);
  if (seconds <= 0) return "now";
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** For `<input type="datetime-local">`, in the viewer's zone. */
export function toLocalInput(at: Date): string {
  return `${formatDate(at)}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}
