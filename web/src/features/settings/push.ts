// Notifications in this browser: a subscription at the push service of its maker, and the channel that the hub has for it.
import { api } from "@/api/client";
import { readStored, writeStored } from "@/lib/stored";

const WORKER = "/push.js";
const STORED = "push-channel";

/** Why this browser cannot be notified, as a sentence; undefined when it can. */
export function obstacle(): string | undefined {
  if (!window.isSecureContext)
    return "Browsers take notifications only from a dashboard that is reached by HTTPS.";
  if (!("serviceWorker" in navigator) || !("PushManager" in window))
    return "This browser takes none. On an iPhone or iPad, add the dashboard to the Home Screen and open it there.";
  if (Notification.permission === "denied")
    return "Notifications of this site are blocked: allow them in the browser's settings of the site.";
  return undefined;
}

/** base64url, as the hub writes keys. */
export function keyBytes(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

const BROWSERS = [
  ["Edg/", "Edge"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;
const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS", "Mac"],
  ["Linux", "Linux"],
] as const;

/** What the hub calls it: `Firefox on Android`. */
export function browserName(agent: string): string {
  const find = (known: readonly (readonly [string, string])[]) =>
    known.find(([part]) => agent.includes(part))?.[1];
  const system = find(SYSTEMS);
  return `${find(BROWSERS) ?? "Browser"}${system ? ` on ${system}` : ""}`;
}

/** The channel of this browser, if it still is one of this person. */
export function channelOf(channels: readonly string[]): string | undefined {
  const stored = readStored(STORED, "");
  return channels.includes(stored) ? stored : undefined;
}

export async function subscribe(): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") {
    throw new Error("Notifications of this site were not allowed.");
  }
  await navigator.serviceWorker.register(WORKER, { scope: "/" });
  const registration = await navigator.serviceWorker.ready;
  const { key } = await api.get("/me/push-key");
  const applicationServerKey = keyBytes(key);
  const subscription = await registration.pushManager
    .subscribe({ userVisibleOnly: true, applicationServerKey })
    .catch(async (error: unknown) => {
      // One for another hub's key stands in the way.
      const before = await registration.pushManager.getSubscription();
      if (!before) throw error;
      await before.unsubscribe();
      return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    });
  const { endpoint, keys } = subscription.toJSON();
  const body = {
    name: browserName(navigator.userAgent),
    url: endpoint ?? "",
    key: keys?.p256dh ?? "",
    auth: keys?.auth ?? "",
  };
  const channel = await api.post("/me/browsers", { body });
  writeStored(STORED, channel.id);
}

export async function unsubscribe(channel: string): Promise<void> {
  await api.delete("/me/browsers/{channel}", { path: { channel } });
  writeStored(STORED, "");
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
}
