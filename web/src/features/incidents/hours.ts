// The hours of a day in words, for those who do not see bars.

const clock = (hour: number) => `${String(hour).padStart(2, "0")}:00`;

/** `03:00: 5, 14:00: 1`, or that there were none. */
export function hourWords(hours: readonly number[]): string {
  const named = hours.map((count, hour) => (count > 0 ? `${clock(hour)}: ${count}` : ""));
  return named.filter(Boolean).join(", ") || "none";
}
