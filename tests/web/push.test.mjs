// Pages as notifications of a browser. No push service can be reached from here: one of the test takes its place, and what it got is
// handed to the real service worker by the debugger.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, openPage, signIn } from "./browser.mjs";
import { startPushService } from "./push_service.mjs";

const { WATCHTOWER_URL: origin, WATCHTOWER_USER: name, WATCHTOWER_PASSWORD: password } = process.env;
const SOON_MS = 15_000;
/** Before a message is handed to the service worker again. */
const AGAIN_MS = 2_000;

let browser;
let session;
let service;

before(async () => {
  assert.ok(origin && name && password, "the end-to-end tests say where and who");
  service = await startPushService();
  browser = await launch();
  session = await openPage(browser, origin, { permissions: ["notifications"] });
  session.page.setDefaultTimeout(SOON_MS);
  await session.context.addInitScript((subscription) => {
    let there = false;
    const end = async () => {
      there = false;
      return true;
    };
    const made = { toJSON: () => subscription, unsubscribe: end };
    PushManager.prototype.subscribe = async (options) => {
      if (options.applicationServerKey.length !== 65 || !options.userVisibleOnly) throw new Error("no key");
      there = true;
      return made;
    };
    PushManager.prototype.getSubscription = async () => (there ? made : null);
  }, service.subscription);
});

after(async () => {
  await browser?.close();
  service?.stop();
});

async function until(what, read) {
  const end = Date.now() + SOON_MS;
  for (;;) {
    const found = await read();
    if (found) return found;
    assert.ok(Date.now() < end, `not within ${SOON_MS} ms: ${what}`);
    await session.page.waitForTimeout(100);
  }
}

/** The API as the signed-in page has it. */
const call = (method, path, body) =>
  session.page.evaluate(
    async ([method, path, body]) => {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
      return answer.status === 204 ? undefined : answer.json();
    },
    [method, path, body],
  );

const taken = (count) =>
  until(`message ${count}`, () => service.taken.length >= count && service.taken[count - 1]);

async function shown() {
  return session.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const all = await registration.getNotifications();
    return all.map(({ title, body, tag, actions }) => ({ title, body, tag, actions }));
  });
}

/** Hands a message to the service worker, as the browser does when one arrives. */
async function arrive(text) {
  const debugging = await session.context.newCDPSession(session.page);
  const known = new Promise((resolve) => {
    debugging.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const own = registrations.find(({ scopeURL, isDeleted }) => scopeURL === `${origin}/` && !isDeleted);
      if (own) resolve(own.registrationId);
    });
  });
  await debugging.send("ServiceWorker.enable");
  const registrationId = await known;
  const { title } = JSON.parse(text);
  const isShown = async () => (await shown()).some((one) => one.title === title);
  // A worker that is just being started may miss it; handed over again, it takes its own place.
  await until(`the notification ${title}`, async () => {
    await debugging.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data: text });
    for (let waited = 0; waited < AGAIN_MS; waited += 100) {
      if (await isShown()) return true;
      await session.page.waitForTimeout(100);
    }
    return false;
  });
  await debugging.detach();
}

/** What is pressed on the notification. */
async function press(action) {
  const [worker] = session.context.serviceWorkers();
  await worker.evaluate(async (action) => {
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action }));
  }, action);
}

test("a browser is notified once its person asked for it", async () => {
  const { page } = session;
  await signIn(page, origin, name, password);
  await page.goto(`${origin}/settings/users`);
  await page.getByRole("button", { name: `Notifications of ${name}` }).click();
  await page.getByRole("button", { name: "Notify this browser" }).click();
  await page.getByText("Pages are shown as notifications here").waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: "Send a test here" }).click();
  const test = JSON.parse((await taken(1)).text);
  assert.match(test.title, /^\[TEST\] triggered, info: Test of channel Chrome on Linux of/);
});

test("a page is a notification whose button acknowledges, and it says when it is over", async () => {
  const people = await call("GET", "/users");
  const ana = people.items.find((user) => user.name === name);
  const step = { delay_seconds: 600, targets: [{ kind: "user", id: ana.id }] };
  const policy = await call("POST", "/policies", { name: "ana", steps: [step] });
  const service = await call("GET", "/services/default");
  await call("PUT", `/services/${service.id}`, { name: "default", policy_id: policy.id });
  const incident = await call("POST", "/incidents", { title: "the disk is full", severity: "critical" });
  const page = await taken(2);
  assert.equal(page.headers.urgency, "high");
  await arrive(page.text);
  const [notification] = await until("the notification", async () => {
    const all = await shown();
    return all.length > 0 && all;
  });
  assert.equal(notification.title, `#${incident.number} triggered, critical: the disk is full`);
  assert.match(notification.body, /^default\n/);
  await press("acknowledge");
  const acked = await until("the acknowledgement", async () => {
    const now = await call("GET", `/incidents/${incident.number}`);
    return now.state === "acknowledged" && now;
  });
  assert.equal(acked.acknowledged_by, name, JSON.stringify(acked));
  await until("it to be put away", async () => (await shown()).length === 0);
  const notice = await taken(3);
  assert.equal(notice.headers.topic, page.headers.topic);
  await arrive(notice.text);
  await call("POST", `/incidents/${incident.number}/resolve`, {});
  await arrive((await taken(4)).text);
  const left = await until("the end in its place", async () => {
    const all = await shown();
    return all.length === 1 && / resolved, /.test(all[0].title) && all;
  });
  assert.equal(left[0].actions?.length ?? 0, 0);
});

test("a press on the notification opens the incident", async () => {
  await press("");
  await session.page.waitForURL(/\/incidents\/\d+/);
  await session.page.getByRole("heading", { level: 1, name: /the disk is full/ }).waitFor();
});

test("a browser that is not wanted any more is forgotten", async () => {
  const { page } = session;
  await page.goto(`${origin}/settings/users`);
  await page.getByRole("button", { name: `Notifications of ${name}` }).click();
  await page.getByRole("button", { name: "Stop notifying this browser" }).click();
  await page.getByRole("button", { name: "Notify this browser" }).waitFor();
  const { items } = await call("GET", "/channels");
  assert.deepEqual(items, []);
  assert.deepEqual(session.faults, []);
});
