// Shows what the hub pushes to this browser, and does what is pressed. It answers no request: what is shown is never old data.

function read(data) {
  try {
    return data.json();
  } catch {
    return { title: "Watchtower" };
  }
}

// The page that asked for it, too: a press leads it to the incident.
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const told = read(event.data);
  const open = told.state === "triggered";
  const asks = open && told.acknowledge_url;
  event.waitUntil(
    self.registration.showNotification(told.title, {
      body: told.body,
      // What comes later of an incident takes the place of what was shown of it; only a page calls again.
      tag: told.tag,
      renotify: open && Boolean(told.tag),
      requireInteraction: open,
      icon: "/icon.svg",
      data: { url: told.url, acknowledge_url: told.acknowledge_url },
      actions: asks ? [{ action: "acknowledge", title: "Acknowledge" }] : [],
    }),
  );
});

/** Whether the hub took it. It answers by a redirect to the page that says so, which is not followed. */
async function acknowledge(url) {
  try {
    const answer = await fetch(url, { method: "POST", credentials: "omit", redirect: "manual" });
    return answer.ok || answer.type === "opaqueredirect";
  } catch {
    return false;
  }
}

async function show(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const own = pages.find((page) => new URL(page.url).origin === new URL(url).origin);
  // Only a page that this worker controls can be sent elsewhere by it.
  const sent = own && (await own.navigate(url).catch(() => null));
  return sent ? sent.focus().catch(() => sent) : self.clients.openWindow(url);
}

self.addEventListener("notificationclick", (event) => {
  const { url, acknowledge_url: link } = event.notification.data ?? {};
  event.notification.close();
  const done = event.action === "acknowledge" && link ? acknowledge(link) : Promise.resolve(false);
  event.waitUntil(done.then((taken) => (taken || !url ? undefined : show(url))));
});
