// The only place that makes URLs of pages.

const part = encodeURIComponent;

export interface SshHost {
  name: string;
  host: string;
  user?: string;
  port?: string;
}

/** The list as the form reads it: CSV, so that the record keeps its name whatever host is typed in its place. */
export function sshHosts(hosts: readonly SshHost[]): string {
  const rows = hosts.map(({ name, host, user = "", port = "" }) => [name, host, user, port]);
  const width = rows.some((row) => row[2] || row[3]) ? 4 : 2;
  return [["name", "host", "user", "port"], ...rows].map((row) => row.slice(0, width).join(",")).join("\n");
}

const sshForm = (action: string, hosts: string) => `/servers/add?by=ssh&do=${action}&hosts=${part(hosts)}`;

export const paths = {
  overview: "/",
  servers: "/servers",
  serverAdd: "/servers/add",
  serverAddBySsh: "/servers/add?by=ssh",
  serverUninstall: (name: string) => sshForm("uninstall", sshHosts([{ name, host: name }])),
  serverRollBack: (hosts: string) => sshForm("rollback", hosts),
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
