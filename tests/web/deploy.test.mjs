// The wizard on a real host: fingerprint, password, policy, plan, steps as they happen, the first report; and a failure.
// tests/tests/e2e/wizard.rs starts the hub and the host. Pictures of each page go to WATCHTOWER_SHOTS, if it is set.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, openPage, PHONE, signIn, WIDE } from "./browser.mjs";
import { confirmKeys, fillWizard, lookAgain, lookAtKeys, signInBy } from "./wizard.mjs";

const {
  WATCHTOWER_URL: origin,
  WATCHTOWER_USER: name,
  WATCHTOWER_PASSWORD: password,
  HOST_ADDRESS: host,
  HOST_USER: user,
  HOST_PASSWORD: secret,
  NEWER_AGENT: newer,
  WATCHTOWER_SHOTS: shots,
} = process.env;
const SOON_MS = 15_000;
const DEPLOYED_MS = 60_000;
const DEAD = "127.0.0.1:9";
const ROLL_BACK = "/servers/add?by=ssh&do=rollback&hosts=name%2Chost%0Aweb-1%2C10.0.0.1";
const UNINSTALL = "/servers/add?by=ssh&do=uninstall&hosts=name%2Chost%0Aweb-1%2C10.0.0.1";

let browser;
let session;
const batches = [];

before(async () => {
  assert.ok(
    origin && host && secret,
    "run by the end-to-end suite: cargo nextest run -p watchtower-tests wizard",
  );
  browser = await launch();
  session = await openPage(browser, origin);
  session.page.setDefaultTimeout(SOON_MS);
  await signIn(session.page, origin, name, password);
});

after(async () => {
  await browser?.close();
});

const url = (path) => `${origin}${path}`;

async function picture(page, what) {
  if (shots) await page.screenshot({ path: `${shots}/${what}.png`, fullPage: true });
}

test("a password is sent only after the fingerprint is confirmed", async () => {
  const { page } = session;
  await fillWizard(page, origin, { host, user, secret });
  await page.getByRole("button", { name: "Install on 1 server" }).click();
  await page.getByRole("alert").getByText("confirm them first").waitFor();
  await lookAtKeys(page);
  await picture(page, "form-new-key");
  await confirmKeys(page);
});

test("the plan is shown, then the agent is installed and reports", async () => {
  const { page } = session;
  await page.getByLabel(/Watch only/).check();
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByText("What would be done").waitFor({ timeout: DEPLOYED_MS });
  await picture(page, "form-plan");
  await page.getByRole("button", { name: "Install on 1 server" }).click();
  await page.waitForURL(/\/deploys\/[0-9a-f-]{36}/);
  const steps = page.getByTestId("steps");
  await steps.getByText(/^Connect/).waitFor();
  await page.reload();
  await steps.getByText(/^First report/).waitFor({ timeout: DEPLOYED_MS });
  await page.getByText("1 of 1 done").waitFor({ timeout: DEPLOYED_MS });
  batches.push(new URL(page.url()).pathname);
  await picture(page, "batch-succeeded");
  await page.getByRole("link", { name: `Open ${host}` }).click();
  await page.waitForURL(/\/servers\/[^/]+\/overview/);
});

test("a host that cannot be reached tells its code, the cause and what to do, and is tried again", async () => {
  const { page } = session;
  await page.goto(url("/servers/add?by=ssh"));
  await page.getByRole("textbox", { name: "Hosts" }).fill(`${host} ${DEAD}`);
  await page.getByTestId("targets").getByText("2 hosts").waitFor();
  await page.getByLabel("Sign in with").selectOption({ label: "A private key" });
  await page.getByLabel("Private key").fill("-----BEGIN OPENSSH PRIVATE KEY-----\nno key\n");
  await page.getByRole("button", { name: "Install on 2 servers" }).click();
  await page.waitForURL(/\/deploys\/[0-9a-f-]{36}/);
  await page.getByText("0 of 2 done, 2 failed").waitFor({ timeout: DEPLOYED_MS });
  await page.getByRole("button", { name: /127\.0\.0\.1/ }).click();
  const failure = page.getByTestId("failure");
  await failure.getByText("E_TCP_REFUSED").waitFor();
  await failure.getByText("What to do:").waitFor();
  const first = new URL(page.url()).pathname;
  batches.push(first);
  await picture(page, "batch-failed");
  await page.getByRole("button", { name: "Retry failed" }).click();
  await page.waitForURL((at) => /\/deploys\//.test(at.pathname) && at.pathname !== first);
  await page.getByRole("link", { name: "an earlier one" }).waitFor();
  await page.goto(url("/deploys"));
  await page.getByRole("link", { name: host }).first().waitFor();
  await page.getByText("E_TCP_REFUSED").first().waitFor();
  await picture(page, "deploys");
});

test("what a deployment upgraded is rolled back from its page", async () => {
  const { page } = session;
  // The hub ships another agent once the first has reported: tests/tests/e2e/wizard.rs.
  await page.goto(url("/deploys/agents"));
  for (const until = Date.now() + SOON_MS; Date.now() < until; await page.reload()) {
    const ships = page.getByText(`${newer} for`);
    if (
      await ships.waitFor({ timeout: 1000 }).then(
        () => true,
        () => false,
      )
    )
      break;
  }
  await fillWizard(page, origin, { host, user, secret });
  await lookAgain(page);
  await page.getByRole("button", { name: "Install on 1 server" }).click();
  await page.waitForURL(/\/deploys\/[0-9a-f-]{36}/);
  await page.getByRole("button", { name: /upgraded/ }).waitFor({ timeout: DEPLOYED_MS });
  const upgrade = new URL(page.url()).pathname;
  batches.push(upgrade);
  await page.getByRole("button", { name: "Roll back…" }).click();
  await page.getByRole("heading", { name: "Roll back agents" }).waitFor();
  await page.getByTestId("targets").getByText("1 host, read as csv").waitFor();
  await signInBy(page, { user, secret });
  await lookAgain(page);
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByText(`${newer} -> `).waitFor({ timeout: DEPLOYED_MS });
  await picture(page, "form-roll-back");
  await page.getByRole("button", { name: "Roll back 1 server" }).click();
  await page.waitForURL((at) => /\/deploys\/[0-9a-f-]{36}/.test(at.pathname) && at.pathname !== upgrade);
  await page.getByRole("heading", { name: `Roll back ${host}` }).waitFor();
  await page.getByRole("button", { name: /rolled back/ }).waitFor({ timeout: DEPLOYED_MS });
  await page.getByText("1 of 1 done").waitFor();
  await page.goto(url("/deploys/agents"));
  await page.getByRole("button", { name: /^Roll back these of version/ }).click();
  await page.getByRole("heading", { name: "Roll back agents" }).waitFor();
  await page.getByRole("button", { name: "Roll back 1 server" }).waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [WIDE, PHONE]) {
    test(`axe finds nothing at ${viewport.width} px, ${colorScheme}, and nothing is wider than the screen`, async () => {
      const storageState = await session.context.storageState();
      const { page, context, faults } = await openPage(browser, origin, {
        viewport,
        colorScheme,
        storageState,
      });
      const found = [];
      for (const path of [
        "/servers/add?by=ssh",
        "/deploys",
        "/deploys?status=cancelled",
        "/settings/ssh",
        ROLL_BACK,
        UNINSTALL,
        ...batches,
      ]) {
        await page.goto(url(path));
        await page.locator("h1").first().waitFor();
        await page.locator(".skeleton").first().waitFor({ state: "detached" });
        if (path.endsWith("by=ssh")) {
          await page.getByRole("textbox", { name: "Hosts" }).fill("web-[01..14] ops@10.0.0.1:2222 web-[1..");
          await page.getByTestId("targets").getByText("15 hosts").waitFor();
          await page.locator("summary").click();
        }
        await page.waitForTimeout(150);
        for (const violation of await axe(page)) found.push(`${path}: ${violation}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (over > 0) found.push(`${path}: ${over} px wider than the screen`);
        await picture(page, `${path.replace(/\W+/g, "-").slice(0, 32)}-${viewport.width}-${colorScheme}`);
      }
      await context.close();
      assert.deepEqual(found, []);
      assert.deepEqual(faults, []);
    });
  }
}

test("nothing went wrong on the console and nothing was asked of another origin", () => {
  assert.deepEqual(session.faults, []);
});
