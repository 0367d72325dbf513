// The dashboard on a real hub with a local agent, as a person uses it: every step builds on the one before.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, openPage, PHONE, WIDE } from "./browser.mjs";

const origin = process.env.WATCHTOWER_URL;
const token = process.env.WATCHTOWER_SETUP_TOKEN;
const NAME = "ana";
const PASSWORD = "correct horse battery";
const SOON_MS = 15_000;
/** The first report, and two more for a rate. */
const REPORTS_MS = 60_000;

let browser;
let session;

before(async () => {
  assert.ok(
    origin && token,
    "WATCHTOWER_URL and WATCHTOWER_SETUP_TOKEN must be set: run tests/web/start.mjs",
  );
  browser = await launch();
  session = await openPage(browser, origin);
  session.page.setDefaultTimeout(SOON_MS);
});

after(async () => {
  await browser?.close();
});

const url = (path) => `${origin}${path}`;

/** Waits until `read` gives something else than at first. */
async function changes(read, within = SOON_MS) {
  const first = await read();
  const end = Date.now() + within;
  while (Date.now() < end) {
    await session.page.waitForTimeout(250);
    const now = await read();
    if (now !== first) return [first, now];
  }
  assert.fail(`still ${JSON.stringify(first)} after ${within} ms`);
}

/** The browser reports each answer of 4xx: one that a test asked for is no fault. */
async function refused(status, path) {
  const mine = (fault) => fault.includes(`status of ${status} `) && fault.includes(path);
  const end = Date.now() + SOON_MS;
  while (!session.faults.some(mine) && Date.now() < end) await session.page.waitForTimeout(50);
  const place = session.faults.findIndex(mine);
  assert.notEqual(place, -1, `${path} was not refused with ${status}: ${session.faults}`);
  session.faults.splice(place, 1);
}

test("the first administrator is made by the setup link", async () => {
  const { page } = session;
  await page.goto(url(`/setup?token=${encodeURIComponent(token)}`));
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.getByText("use at least 12").waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.getByRole("heading", { name: "Who hears when nobody answers?" }).waitFor();
  await page.getByRole("button", { name: "Skip for now" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
});

test("signing out and in again leads back to where one wanted to go", async () => {
  const { page } = session;
  await page.getByRole("button", { name: /Menu of/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/login/);
  await page.goto(url("/servers?q=nothing-is-called-so"));
  await page.waitForURL(/\/login\?next=/);
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(url("/servers?q=nothing-is-called-so"));
  await page.getByText(/^0 of \d+ match$/).waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("row").nth(1).waitFor();
});

test("a server's numbers, charts and processes move by themselves", async () => {
  const { page } = session;
  await page.goto(url("/servers"));
  await page.getByRole("row").nth(1).getByRole("link").click();
  await page.waitForURL(/\/servers\/[^/]+\/overview/);
  await page.getByText("1 s live").waitFor({ timeout: REPORTS_MS });
  await changes(() => page.getByTestId("vitals").textContent());
  await page.locator(".chart canvas").first().waitFor({ timeout: REPORTS_MS });
  const asTable = page.getByRole("button", { name: "CPU by mode as a table" });
  await asTable.click();
  const newest = page.getByRole("group", { name: "CPU by mode, table" }).locator("tbody tr").first();
  const [early, late] = await changes(() => newest.textContent(), REPORTS_MS);
  assert.ok(late.slice(0, 19) > early.slice(0, 19), `${late} is not later than ${early}`);
  await asTable.click();
  await page.getByRole("link", { name: "Processes" }).click();
  await page.getByRole("group", { name: "Processes", exact: true }).locator("tbody tr").first().waitFor();
  await changes(() => page.getByTestId("process-meta").textContent());
  await page.getByLabel("Filter processes").fill("watchtower");
  const rows = page.getByRole("group", { name: "Processes", exact: true }).locator("tbody tr");
  assert.ok((await rows.count()) >= 1, "the hub's own process is in the table");
});

test("a rule is written as a sentence", async () => {
  const { page } = session;
  await page.goto(url("/rules/new"));
  await page.getByLabel("Metric").selectOption({ label: "memory available" });
  await page.getByLabel("Threshold").fill("100");
  await page.getByLabel("For how long").fill("10s");
  assert.equal(
    await page.getByTestId("promql").textContent(),
    "100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 100",
  );
  await page.getByTestId("verdict").getByText("It holds now for 1").waitFor({ timeout: REPORTS_MS });
  await page.getByLabel("Name").fill("Memory in use");
  await page.getByRole("button", { name: "Make the rule" }).click();
  await page.waitForURL(/\/rules\/(?!new)/);
  await page.reload();
  await page.getByLabel("Threshold").waitFor();
  assert.equal(
    await page.getByLabel("Threshold").inputValue(),
    "100",
    "it is read back as the same sentence",
  );
});

test("a wrong expression is marked at its place", async () => {
  const { page } = session;
  await page.goto(url("/rules/new"));
  await page.getByRole("button", { name: "PromQL" }).click();
  await page.getByRole("textbox", { name: "Expression" }).fill("sum(node_load1");
  await page.locator("mark.wrong").waitFor();
});

test("the rule's incident comes by itself and is acknowledged by key", async () => {
  const { page } = session;
  await page.goto(url("/incidents"));
  await page
    .getByRole("link", { name: /Memory in use|memory/i })
    .first()
    .click({ timeout: REPORTS_MS });
  await page.waitForURL(/\/incidents\/\d+/);
  await page.locator(".chart canvas").waitFor();
  await page.keyboard.press("a");
  await page.getByText("acknowledged", { exact: true }).first().waitFor();
  await page.getByText(`${NAME} has it`).waitFor();
});

test("a drill is fired, acknowledged, noted and resolved", async () => {
  const { page } = session;
  await page.goto(url("/incidents"));
  await page.getByRole("button", { name: "Fire a drill" }).click();
  await page.getByLabel("Title").fill("Drill of the suite");
  await page.getByRole("button", { name: "Fire the drill" }).click();
  await page.waitForURL(/\/incidents\/\d+/);
  await page.getByText("TEST", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Ack", exact: true }).click();
  await page.getByRole("button", { name: "Un-ack" }).waitFor();
  await page.getByRole("button", { name: "Note" }).click();
  await page.getByRole("textbox", { name: "Note" }).fill("seen by the suite");
  await page.getByRole("button", { name: "Add the note" }).click();
  await page.locator(".timeline").getByText("seen by the suite").waitFor();
  await page.getByRole("button", { name: "Resolve", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resolve" }).click();
  await page.getByText("resolved", { exact: true }).first().waitFor();
  // It was resolved by mistake.
  await page.getByRole("button", { name: "Reopen", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Reopen and page" }).click();
  await page.locator(".timeline").getByText("after its end: it is not over").waitFor();
  await page.getByRole("button", { name: "Resolve", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resolve" }).click();
  await page.getByText("resolved", { exact: true }).first().waitFor();
});

test("incidents that are one are merged, from the list and from a page", async () => {
  const { page } = session;
  const fire = async (title) => {
    await page.goto(url("/incidents"));
    await page.getByRole("button", { name: "Fire a drill" }).click();
    await page.getByLabel("Title").fill(title);
    await page.getByRole("button", { name: "Fire the drill" }).click();
    await page.waitForURL(/\/incidents\/\d+/);
    return page.url().split("/").pop();
  };
  const [one, two, three] = [
    await fire("one of three"),
    await fire("two of three"),
    await fire("three of three"),
  ];
  await page.goto(url("/incidents"));
  await page.getByLabel(`Select INC-${one}`).check();
  await page.getByLabel(`Select INC-${two}`).check();
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  // The oldest of the worst is proposed.
  await page
    .getByRole("dialog")
    .getByRole("button", { name: `Merge into INC-${one}` })
    .click();
  await page.waitForURL(new RegExp(`/incidents/${one}$`));
  await page.getByRole("link", { name: `with INC-${two}` }).waitFor();
  await page.goto(url(`/incidents/${three}`));
  await page.getByRole("button", { name: "More to do" }).click();
  await page.getByRole("button", { name: "Merge into…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Search open incidents").fill("one of three");
  await dialog.getByRole("radio", { name: new RegExp(`INC-${one} `) }).check();
  await dialog.getByRole("button", { name: `Merge into INC-${one}` }).click();
  await page.waitForURL(new RegExp(`/incidents/${one}$`));
  await page
    .locator(".timeline")
    .getByRole("link", { name: `INC-${three}` })
    .click();
  await page.getByRole("link", { name: `goes on in INC-${one}` }).click();
  await page.getByRole("button", { name: "Resolve", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resolve" }).click();
  await page.getByText("resolved", { exact: true }).first().waitFor();
});

test("an incident is silenced from its page, and the silence is ended from the list", async () => {
  const { page } = session;
  await page.goto(url("/incidents"));
  await page.getByRole("button", { name: "Fire a drill" }).click();
  await page.getByRole("button", { name: "Fire the drill" }).click();
  await page.getByRole("button", { name: "Silence", exact: true }).click();
  const dialog = page.getByRole("dialog");
  assert.match(await dialog.getByLabel("Alerts with these labels").inputValue(), /^alertname="/);
  await dialog.getByRole("button", { name: "Silence", exact: true }).click();
  await dialog.getByText("say why").first().waitFor();
  await refused(422, "/api/v1/silences");
  await dialog.getByLabel("Why").fill("it is only a drill");
  await dialog.getByRole("button", { name: "4 hours" }).click();
  await dialog.getByRole("button", { name: "Silence", exact: true }).click();
  await page.getByText(/Nobody is paged: suppressed by a silence of .*only a drill/).waitFor();
  const incident = page.url();
  await page.getByRole("link", { name: "Incidents" }).first().click();
  await page.getByRole("link", { name: "Silences" }).click();
  const row = page.getByRole("row", { name: /it is only a drill/ });
  await row.getByText("silent").waitFor();
  await row.getByRole("button", { name: "End the silence" }).click();
  await row.getByText("over").waitFor();
  await page.goto(incident);
  await page.getByText("what kept it quiet ended").first().waitFor();
  await page.getByRole("button", { name: "Resolve" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resolve" }).click();
  await page.getByText("resolved").first().waitFor();
});

test("a maintenance window is previewed in words and planned", async () => {
  const { page } = session;
  await page.goto(url("/maintenance"));
  await page.getByRole("button", { name: "New window" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("nightly");
  await dialog.getByLabel("Alerts with these labels").fill('team="db"');
  await dialog.getByLabel("Begins at").fill("30 2 * * *");
  await dialog.getByLabel("Time zone").fill("Europe/Berlin");
  await dialog.getByText("at 02:30 every day, Europe/Berlin").waitFor();
  await dialog.getByLabel("Lasts").fill("30h");
  await dialog.getByRole("button", { name: "Plan it" }).click();
  await dialog.getByText("reaches into the next one").first().waitFor();
  await refused(422, "/api/v1/maintenance-windows");
  await dialog.getByLabel("Lasts").fill("2h");
  await dialog.getByRole("button", { name: "Plan it" }).click();
  await page.getByText("at 02:30 every day, Europe/Berlin, for 2h").waitFor();
});

test("an inhibition is written, and what is wrong with it is said", async () => {
  const { page } = session;
  await page.goto(url("/incidents"));
  await page.getByRole("link", { name: "Inhibitions" }).click();
  await page.getByRole("button", { name: "New inhibition" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("site is cut off");
  await dialog.getByLabel("While there is an alert with these labels").fill('site=~".*"');
  await dialog.getByLabel("Nobody is paged for alerts with these").fill('alertname!="Site unreachable"');
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("would match every alert").first().waitFor();
  await refused(422, "/api/v1/inhibitions");
  await dialog.getByLabel("While there is an alert with these labels").fill('alertname="Site unreachable"');
  await dialog.getByLabel("If they have the same").fill("site, region");
  await dialog.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("row", { name: /site is cut off/ });
  await row.getByText("with the same site, region").waitFor();
  await row.getByRole("button", { name: "Delete site is cut off" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("Nothing is inhibited").waitFor();
});

test("a script is written, planned and run with its output as it comes", async () => {
  const { page } = session;
  const server = await page.evaluate(async () => {
    const answer = await fetch("/api/v1/servers");
    return (await answer.json()).items[0].name;
  });
  await page.goto(url("/scripts/new"));
  await page.getByLabel("Name", { exact: true }).fill("count");
  await page
    .getByLabel("Script", { exact: true })
    .fill('#!/bin/sh\nfor i in 1 2 3 4; do echo "$WORD $i"; sleep 1; done\n');
  await page.getByRole("button", { name: "Add a parameter" }).click();
  await page.locator(".parameter").getByLabel("Name").fill("WORD");
  await page.locator(".parameter").getByLabel("Default").fill("line");
  await page.getByRole("button", { name: "Make the script" }).click();
  await page.waitForURL(/\/scripts\/(?!new)/);
  await page.getByRole("button", { name: "Run…" }).click();
  await page.getByLabel("On which servers").fill(`name="${server}"`);
  await page.getByText("Matches 1 server").waitFor();
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByRole("button", { name: "Run on 1 server" }).click();
  await page.waitForURL(/\/runs\/\d+/);
  const output = page.getByTestId("output");
  await output.getByText("line 1").waitFor();
  assert.equal(
    await output.getByText("line 4").count(),
    0,
    "the first line is shown before the last is written",
  );
  await output.getByText("line 4").waitFor();
  await page
    .getByText(/succeeded, exit 0/)
    .first()
    .waitFor();
});

test("an automation by the clock is previewed, made, fired, and says what became of it", async () => {
  const { page } = session;
  await page.goto(url("/automations"));
  await page.getByRole("button", { name: "New automation" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name", { exact: true }).fill("nightly count");
  await form.getByLabel("It starts").selectOption("clock");
  await form.getByLabel("Time zone").fill("Mars/Olympus");
  await form.getByRole("button", { name: "each night" }).click();
  await form.getByText('"Mars/Olympus" is not a time zone').waitFor();
  await form.getByLabel("Time zone").fill("America/New_York");
  const preview = form.getByTestId("cron-preview");
  await preview.getByText("at 03:30 every day, America/New_York").waitFor();
  assert.equal(await preview.getByRole("listitem").count(), 5);
  await preview
    .getByText(/ 03:30 -0[45]:00/)
    .first()
    .waitFor();
  await form.getByLabel("Run this script").selectOption({ label: "count" });
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("An empty selector selects nothing").waitFor();
  await form.getByLabel("On which servers").fill('name=~".+"');
  await form.getByText("Matches 1 server").waitFor();
  await form.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/\/automations\/[0-9a-f-]{36}/);
  await page.getByText("It was not due yet").waitFor();
  const switches = page.getByRole("region", { name: "Switches" });
  await switches.getByRole("button", { name: "Auto: act at once" }).click();
  await page.getByRole("main").getByText("auto", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Fire now" }).click();
  await page.getByRole("dialog").getByText("Matches 1 server").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Fire now" }).click();
  const history = page.getByRole("region", { name: "What became of it" });
  await history.getByText("succeeded").waitFor();
  await history.getByText(`by hand, ${NAME}`).waitFor();
  await history.getByText("7 gates passed").click();
  await history.getByText("1 of 1 servers that match can take the run").waitFor();
  await switches.getByText("You stand for what it does").waitFor();
  await switches.getByRole("button", { name: "Disable" }).click();
  await page.getByText("It is off", { exact: true }).waitFor();
  await switches.getByRole("button", { name: "Enable" }).click();
  await page.getByRole("list", { name: "Next firings, America/New_York" }).waitFor();
  await page.goto(url("/automations"));
  const row = page.getByRole("row").filter({ hasText: "nightly count" });
  await row.getByText("at 03:30 every day, America/New_York").waitFor();
  await row.getByText("succeeded").waitFor();
});

test("a schedule is made, overridden, and paged by a policy", async () => {
  const { page } = session;
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "On-call" }).click();
  await page.getByText("No schedules yet").waitFor();
  await page.getByRole("button", { name: "New schedule" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name", { exact: true }).fill("db-primary");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Choose somebody in Layer 1.").waitFor();
  await form.getByLabel("Layer", { exact: true }).fill("all day");
  await form.getByRole("group", { name: "People of all day" }).getByRole("button", { name: NAME }).click();
  await form.getByText(`In turn: ${NAME}`).waitFor();
  await form.getByLabel("Handed over at").fill("00:00");
  await form.getByLabel("Time zone").fill("Mars/Olympus");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText('"Mars/Olympus" is not a time zone').waitFor();
  await refused(422, "/api/v1/schedules");
  await form.getByLabel("Time zone").fill("UTC");
  await form.getByLabel("First turn on").fill("2026-01-05");
  await form.getByRole("button", { name: "Save" }).click();
  const panel = page.getByRole("region", { name: "db-primary" });
  const now = panel.getByRole("list", { name: "On call now for db-primary" });
  await now.getByText(NAME).waitFor();
  await now.getByText("all day").waitFor();
  // She has no channel of her own: that is said before it matters.
  await panel.getByText(`${NAME} has no channel that is switched on`).waitFor();
  await panel.getByRole("list", { name: "all day" }).getByRole("listitem").first().waitFor();
  assert.equal(await panel.getByText("Nobody", { exact: true }).count(), 0);

  await panel.getByRole("button", { name: "Override db-primary" }).click();
  await form.getByLabel("What").selectOption("remove");
  await form.getByLabel("Who").selectOption({ label: NAME });
  await form.getByRole("button", { name: "Save" }).click();
  await panel.getByText("Nobody is on call now", { exact: true }).waitFor();
  await panel.getByText(/^nobody is on call now, until/).waitFor();
  await panel.getByRole("img", { name: "Once without anybody" }).waitFor();
  await page.goto(url("/"));
  const first = page
    .getByRole("region", { name: "On call" })
    .getByRole("listitem")
    .filter({ hasText: "db-primary" });
  await first.getByText("nobody").waitFor();
  await first.getByText("2 warnings").waitFor();
  await page.goto(url("/on-call"));
  const overrides = panel.getByRole("list", { name: "Overrides of db-primary" });
  await overrides.getByRole("button", { name: /^End the override/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End", exact: true }).click();
  await now.getByText(NAME).waitFor();

  // A shift that is offered stays hers until somebody else takes it.
  await panel.getByRole("button", { name: "Offer a shift of db-primary" }).click();
  await form.getByLabel("Note").fill("a wedding");
  await form.getByRole("button", { name: "Save" }).click();
  const offers = panel.getByRole("list", { name: "Offered shifts of db-primary" });
  await offers.getByText("a wedding").waitFor();
  await offers.getByRole("button", { name: `Take the shift of ${NAME}` }).click();
  await form.getByRole("button", { name: "Take it" }).click();
  await form.getByText("withdraw it instead").waitFor();
  await refused(422, "/api/v1/schedules/");
  await form.getByRole("button", { name: "Cancel" }).click();
  await offers.getByRole("button", { name: /^Withdraw the offer/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw", exact: true }).click();
  await offers.waitFor({ state: "detached" });

  await page.goto(url("/settings/policies"));
  await page.getByRole("button", { name: "New policy" }).click();
  await form.getByLabel("Name", { exact: true }).fill("databases");
  await form.getByRole("button", { name: "on call for db-primary" }).click();
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByText("At once: page on call for db-primary").waitFor();
  await page.goto(url("/on-call"));
  await panel.getByRole("button", { name: "Delete db-primary" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByText('policy "databases" pages this schedule').waitFor();
  await refused(409, "/api/v1/schedules/");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
});

test("an alert that must come three times is shown as held, with its count", async () => {
  const { page } = session;
  await page.goto(url("/settings/integrations"));
  await page.getByRole("button", { name: "New integration" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name", { exact: true }).fill("noisy");
  await form.getByLabel("What sends").selectOption("webhook");
  await form.getByLabel("An alert opens at its trigger number").fill("3");
  await form.getByLabel("Within minutes").fill("5");
  await form.getByRole("button", { name: "Save" }).click();
  const key = await form.locator("pre").last().textContent();
  await form.getByRole("button", { name: "I have stored it" }).click();
  const labels = { alertname: "DiskFull" };
  const alert = { status: "firing", labels, annotations: { summary: "the disk is full" }, fingerprint: "f1" };
  const sent = await fetch(url(`/webhooks/alertmanager/${key}`), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ version: "4", status: "firing", alerts: [alert] }),
  });
  assert.equal(sent.status, 200);
  await page.goto(url("/settings/integrations"));
  await page.getByRole("button", { name: "1 held of noisy" }).click();
  const row = form.getByRole("row").filter({ hasText: "the disk is full" });
  await row.getByText("1 of 3").waitFor();
  await form.getByRole("button", { name: "Close" }).click();
});

test("an automation is given to a team that was given rights", async () => {
  const { page } = session;
  await page.goto(url("/settings/teams"));
  await page.getByRole("button", { name: "New team" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name", { exact: true }).fill("payments");
  await form.getByLabel("Automations may act as this team").selectOption("operator");
  await form.getByLabel("Only on these servers").fill('name=~".+"');
  await form.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("row").filter({ hasText: "payments" });
  await row.getByText('as operator, on name=~".+"').waitFor();
  await page.goto(url("/automations"));
  await page.getByRole("link", { name: "nightly count" }).click();
  await page.getByRole("button", { name: "Edit" }).click();
  await form.getByLabel("By the right of").selectOption({ label: "Team payments" });
  await form.getByRole("button", { name: "Save" }).click();
  const switches = page.getByRole("region", { name: "Switches" });
  await switches.getByText("It acts as team payments").waitFor();
  assert.equal(await switches.getByRole("button", { name: "Take it over" }).count(), 0);
  // A switch on the page does not take it from the team.
  await switches.getByRole("button", { name: "Disable" }).click();
  await page.getByText("It is off", { exact: true }).waitFor();
  await switches.getByRole("button", { name: "Enable" }).click();
  await page.getByText("It is on.").waitFor();
  await switches.getByText("It acts as team payments").waitFor();
});

test("a script tells what servers make of it, and how to sign it", async () => {
  const { page } = session;
  await page.goto(url("/scripts"));
  await page.getByRole("link", { name: "count", exact: true }).click();
  const approval = page.getByRole("region", { name: "Approval" });
  await approval.getByText("not signed").waitFor();
  await approval.getByText(/1 server with the policy \w+ runs/).waitFor();
  await approval.getByText("watchtower script sign count").waitFor();
});

test("a signing key is rotated step by step", async () => {
  const { page } = session;
  await page.goto(url("/settings/keys"));
  const signing = page.getByRole("region", { name: "Signing" });
  const rows = signing.getByRole("row");
  await signing.getByText("No rotation is under way").waitFor();
  const before = await rows.nth(1).locator("code").first().textContent();
  const step = async (name) => {
    await signing.getByRole("button", { name }).click();
    await page
      .getByRole("dialog")
      .getByRole("button", { name: name.split(":")[0], exact: true })
      .click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  };
  await step("Rotate: Signing");
  await signing.getByText("Every agent has the next key").waitFor();
  await step("Switch: Signing");
  await signing.getByText("The key before is still trusted").waitFor();
  await step("Retire the old key: Signing");
  await signing.getByText("No rotation is under way").waitFor();
  await signing.getByRole("row").filter({ hasText: before }).getByText("retired").waitFor();
});

test("agents stand together by version, and an update without a release says what is missing", async () => {
  const { page } = session;
  await page.goto(url("/deploys"));
  await page.getByRole("link", { name: "Agents", exact: true }).click();
  const versions = page.getByRole("region", { name: "Versions", exact: true });
  await versions.getByRole("button", { name: /^Update these of version/ }).click();
  const form = page.getByRole("dialog");
  await form.getByText("Matches 1 server").waitFor();
  await form.getByRole("button", { name: "Show the plan" }).click();
  await form.getByText("this hub has no signed release of the agent").waitFor();
  // The browser notes the refusal that was asked for here, and nothing else may be noted.
  await refused(409, "/api/v1/runs/agents");
  await form.getByRole("button", { name: "Cancel" }).click();
});

test("the palette goes anywhere by name", async () => {
  const { page } = session;
  await page.goto(url("/"));
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("audit");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/settings\/audit/);
  await page.getByText("script.create").first().waitFor();
});

async function pagesToCheck(page) {
  const ids = await page.evaluate(async () => {
    const first = async (path) => (await (await fetch(`/api/v1/${path}`)).json()).items[0];
    const [server, rule, script] = [await first("servers"), await first("rules"), await first("scripts")];
    const [incident, run] = [await first("incidents"), await first("runs")];
    const automation = await first("automations");
    return {
      server: server.id,
      rule: rule.id,
      script: script.id,
      incident: incident.number,
      run: run.number,
      automation: automation.id,
    };
  });
  return [
    ...[
      "/",
      "/servers",
      "/servers/add",
      "/deploys",
      "/deploys/agents",
      "/incidents",
      "/rules",
      "/rules/new",
      "/scripts",
      "/scripts/new",
    ],
    ...["overview", "processes", "events", "config"].map((tab) => `/servers/${ids.server}/${tab}`),
    ...[`/incidents/${ids.incident}`, `/rules/${ids.rule}`, `/scripts/${ids.script}`, `/runs/${ids.run}`],
    ...[
      "/silences",
      "/maintenance",
      "/inhibitions",
      "/analytics",
      "/automations",
      `/automations/${ids.automation}`,
      "/runs",
      "/on-call",
      "/channels",
      "/no-such-page",
      "/servers?q=nothing-is-called-so",
    ],
    ...[
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
    ].map((id) => `/settings/${id}`),
  ];
}

for (const scheme of ["light", "dark"]) {
  for (const viewport of [WIDE, PHONE]) {
    test(`axe finds nothing at ${viewport.width} px, ${scheme}, and nothing is wider than the screen`, async () => {
      const state = await session.context.storageState();
      const { page, context, faults } = await openPage(browser, origin, {
        viewport,
        colorScheme: scheme,
        storageState: state,
      });
      const found = [];
      for (const path of await pagesToCheck(session.page)) {
        await page.goto(url(path));
        await page.locator("h1").first().waitFor();
        await page
          .locator(".skeleton")
          .first()
          .waitFor({ state: "detached" })
          .catch(() => {});
        await page.waitForTimeout(150);
        for (const violation of await axe(page)) found.push(`${path}: ${violation}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (over > 0) found.push(`${path}: ${over} px wider than the screen`);
      }
      await context.close();
      assert.deepEqual(found, []);
      assert.deepEqual(faults, []);
    });
  }
}

test("axe finds nothing before the sign-in", async () => {
  const { page, context } = await openPage(browser, origin);
  for (const path of ["/login", "/setup"]) {
    await page.goto(url(path));
    await page.locator("h1").waitFor();
    assert.deepEqual(await axe(page), [], path);
  }
  await context.close();
});

test("nothing went wrong on the console and nothing was asked of another origin", () => {
  assert.deepEqual(session.faults, []);
});
