// The only place that makes URLs of pages.

const part = encodeURIComponent;

export const paths = {
  overview: "/",
  servers: "/servers",
  serverAdd: "/servers/add",
  serverAddBySsh: "/servers/add?by=ssh",
  /** The record keeps its name whatever host is typed in its place. */
  serverUninstall: (name: string) =>
    `/servers/add?by=ssh&do=uninstall&hosts=${part(`name,host
${name},${name}`)}`,
  server: (id: string, tab = "overview") => `/servers/${part(id)}/${tab}`,
  incidents: "/incidents",
  incident: (number: number | string) => `/incidents/${part(String(number))}`,
  analytics: "/analytics",
  silences: "/silences",
  maintenance: "/maintenance",
  inhibitions: "/inhibitions",
  rules: "/rules",
  ruleNew: "/rules/new",
  rule: (id: string) => `/rules/${part(id)}`,
  scripts: "/scripts",
  scriptNew: "/scripts/new",
  script: (id: string) => `/scripts/${part(id)}`,
  runs: "/runs",
  run: (number: number | string) => `/runs/${part(String(number))}`,
  automations: "/automations",
  automation: (id: string) => `/automations/${part(id)}`,
  onCall: "/on-call",
  channels: "/channels",
  deploys: "/deploys",
  agents: "/deploys/agents",
  deploy: (batch: string) => `/deploys/${part(batch)}`,
  settings: (section = "services") => `/settings/${section}`,
  login: (next?: string) => (next && next !== "/" ? `/login?next=${part(next)}` : "/login"),
};

/** A path of this dashboard, or the overview: a crafted `next` must not lead elsewhere. */
export function safeNext(next: string | null): string {
  if (!next?.startsWith("/") || next.startsWith("//") || next.includes("\\")) return paths.overview;
  return next;
}
