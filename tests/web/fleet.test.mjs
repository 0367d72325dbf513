// The last host of a fleet by the wizard, and all of them in the list, each with numbers of its own.
// tests/tests/e2e/deploy/fleet.rs starts the hub and the hosts, and has installed all but this one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, signIn } from "./browser.mjs";
import { confirmKeys, fillWizard, lookAtKeys } from "./wizard.mjs";

const {
  WATCHTOWER_URL: origin,
  WATCHTOWER_USER: name,
  WATCHTOWER_PASSWORD: password,
  HOST_ADDRESS: host,
  HOST_USER: user,
  HOST_PASSWORD: secret,
  FLEET: fleet,
} = process.env;
/** Many hosts on one machine. */
const SOON_MS = 30_000;
const DEPLOYED_MS = 60_000;
/** All rows fit: those outside the view are not in the document. */
const TALL = { width: 1280, height: 1600 };

let browser;
let session;

before(async () => {
  assert.ok(fleet, "run by the end-to-end suite: cargo nextest run -p watchtower-tests fleet");
  browser = await launch();
  session = await openPage(browser, origin, { viewport: TALL });
  session.page.setDefaultTimeout(SOON_MS);
  await signIn(session.page, origin, name, password);
});

after(async () => {
  await browser?.close();
});

test("one more host joins by the wizard", async () => {
  const { page } = session;
  await fillWizard(page, origin, { host, user, secret });
  await lookAtKeys(page);
  await confirmKeys(page);
  await page.getByRole("button", { name: "Install on 1 server" }).click();
  await page.waitForURL(/\/deploys\/[0-9a-f-]{36}/);
  await page.getByText("1 of 1 done").waitFor({ timeout: DEPLOYED_MS });
});

test("every server of the fleet is up and shows its numbers", async () => {
  const { page } = session;
  const servers = [...fleet.split(" "), host];
  await page.goto(`${origin}/servers`);
  const table = page.getByRole("table", { name: "Servers" });
  await table.getByRole("link", { name: host, exact: true }).waitFor();
  assert.equal(await table.getAttribute("aria-rowcount"), `${servers.length + 1}`);
  for (const server of servers) {
    const row = table.getByRole("row").filter({ has: page.getByRole("link", { name: server, exact: true }) });
    await row.getByText("up", { exact: true }).waitFor({ state: "attached" });
    // CPU is known from the second report on; what it is does not matter.
    for (const meter of [0, 1, 2]) {
      const value = row.locator(".meter-value").nth(meter);
      await value.filter({ hasText: /^\d+(\.\d)? %$/ }).waitFor();
    }
  }
});

test("nothing went wrong on the console and nothing was asked of another origin", () => {
  assert.deepEqual(session.faults, []);
});
