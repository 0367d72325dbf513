// Pictures of every page, to be looked at: `node scripts/shots.mjs OUT` with WATCHTOWER_URL, and name and password of a user.
import { mkdirSync } from "node:fs";
import { launch, openPage, PHONE, WIDE } from "../../tests/web/browser.mjs";

const { WATCHTOWER_URL: origin, WATCHTOWER_USER: user, WATCHTOWER_PASSWORD: password } = process.env;
const [out, only = ""] = process.argv.slice(2);
if (!origin || !user || !password || !out) {
  console.error(
    "usage: WATCHTOWER_URL=… WATCHTOWER_USER=… WATCHTOWER_PASSWORD=… node scripts/shots.mjs OUT [PAGE]",
  );
  process.exit(2);
}
mkdirSync(out, { recursive: true });

const first = async (page, path) =>
  page.evaluate(async (asked) => (await (await fetch(`/api/v1/${asked}`)).json()).items?.[0], path);

async function places(page) {
  const [server, rule, script] = [
    await first(page, "servers"),
    await first(page, "rules"),
    await first(page, "scripts"),
  ];
  const [incident, run] = [await first(page, "incidents"), await first(page, "runs")];
  const automation = await first(page, "automations");
  return {
    overview: "/",
    servers: "/servers",
    "server-add": "/servers/add",
    ...(server && {
      server: `/servers/${server.id}/overview`,
      processes: `/servers/${server.id}/processes`,
      events: `/servers/${server.id}/events`,
      config: `/servers/${server.id}/config`,
    }),
    incidents: "/incidents",
    ...(incident && { incident: `/incidents/${incident.number}` }),
    silences: "/silences",
    maintenance: "/maintenance",
    inhibitions: "/inhibitions",
    rules: "/rules",
    "rule-new": "/rules/new",
    ...(rule && { rule: `/rules/${rule.id}` }),
    scripts: "/scripts",
    "script-new": "/scripts/new",
    ...(script && { script: `/scripts/${script.id}` }),
    automations: "/automations",
    ...(automation && { automation: `/automations/${automation.id}` }),
    runs: "/runs",
    ...(run && { run: `/runs/${run.number}` }),
    "server-ssh": "/servers/add?by=ssh",
    deploys: "/deploys",
    agents: "/deploys/agents",
    "on-call": "/on-call",
    channels: "/channels",
    ...Object.fromEntries(
      [
        "services",
        "routes",
        "policies",
        "heartbeats",
        "integrations",
        "teams",
        "users",
        "tokens",
        "ssh",
        "keys",
        "audit",
        "health",
      ].map((id) => [id, `/settings/${id}`]),
    ),
    missing: "/no-such-page",
  };
}

const browser = await launch();
for (const [width, viewport] of [
  ["wide", WIDE],
  ["phone", PHONE],
]) {
  for (const colorScheme of ["light", "dark"]) {
    const { page, context, faults } = await openPage(browser, origin, { viewport, colorScheme });
    await page.goto(`${origin}/login`);
    await page.getByLabel("Name").waitFor();
    await page.screenshot({ path: `${out}/login-${width}-${colorScheme}.png` });
    await page.getByLabel("Name").fill(user);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    for (const [name, path] of Object.entries(await places(page))) {
      if (only && !name.startsWith(only)) continue;
      await page.goto(origin + path);
      await page.waitForTimeout(1500);
      const fullPage = width === "wide";
      await page.screenshot({ path: `${out}/${name}-${width}-${colorScheme}.png`, fullPage });
    }
    for (const fault of faults) console.log(width, colorScheme, fault);
    await context.close();
  }
}
await browser.close();
