// Matchers as text: `name="value",other="value"`.

const escaped = (text: string) =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** Without the braces that the hub writes around them. */
export function bare(matchers: string): string {
  return matchers.replace(/^\{|\}$/g, "");
}

/** All of these labels, each with just this value. */
export function matchersOf(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
}

/** What a silence of one alert begins with: what it is, and where. */
export function alertMatchers(
  labels: Record<string, string>,
  summary: string,
  server?: string | null,
): string {
  const wanted: Record<string, string> = { alertname: labels.alertname ?? summary };
  if (server) wanted.name = server;
  else if (labels.instance) wanted.instance = labels.instance;
  if (labels.job) wanted.job = labels.job;
  return matchersOf(wanted);
}
