// A channel's own words, tried as they are typed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, openPage, signIn } from "./browser.mjs";

const { WATCHTOWER_URL: origin, WATCHTOWER_USER: name, WATCHTOWER_PASSWORD: password } = process.env;
const SOON_MS = 15_000;

let browser;
let session;

before(async () => {
  assert.ok(origin && name && password, "the end-to-end tests say where and who");
  browser = await launch();
  session = await openPage(browser, origin);
  session.page.setDefaultTimeout(SOON_MS);
  await signIn(session.page, origin, name, password);
});

after(async () => {
  await browser?.close();
});

test("what would be sent is beside the templates, and so is what is wrong with them", async () => {
  const { page } = session;
  await page.goto(`${origin}/channels`);
  await page.getByRole("button", { name: "New channel" }).click();
  await page.getByLabel("Name", { exact: true }).fill("chat");
  await page.getByLabel("Kind").selectOption("slack");
  await page.getByLabel("URL").fill("https://hooks.slack.com/services/SECRET");
  await page.getByLabel("Own words").check();
  const shown = page.getByRole("region", { name: "What it would send" });
  await shown.getByText("#142 triggered, error: db-1: /var is 96 % full", { exact: true }).waitFor();
  await page.getByLabel("Headline of a page").fill("{{ $severity | toUpper }} at {{ $server }}");
  await shown.getByText("ERROR at db-1", { exact: true }).waitFor();
  await page.getByLabel("Text of a page").fill("first\n{{ $nothing }}");
  await page.getByText(/^Line 2, column 4: expected /).waitFor();
  await page.getByLabel("Text of a page").fill("{{ $labels.env }} <!here>");
  await shown.getByText("prod <!here>").waitFor();
  await shown.getByText(/^What https:\/\/hooks.slack.com\/\*\*\* gets/).click();
  assert.match(await shown.locator("pre").textContent(), /prod &lt;!here&gt;/);
  assert.ok(!(await shown.textContent()).includes("SECRET"));
  await page.getByLabel("Of", { exact: true }).selectOption("end");
  await shown.getByText(/^#142 resolved/).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "chat" }).waitFor();
  await page.getByRole("button", { name: "Edit chat" }).click();
  assert.equal(
    await page.getByLabel("Headline of a page").inputValue(),
    "{{ $severity | toUpper }} at {{ $server }}",
  );
  assert.deepEqual(session.faults, []);
});
