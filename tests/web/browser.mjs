// A real browser for the suite: Debian's Chromium, driven by the dashboard's own development packages.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const WIDE = { width: 1280, height: 800 };
export const PHONE = { width: 375, height: 667 };

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}

/**
 * A page that notes what must not be: errors on the console, uncaught exceptions, requests to anywhere else.
 * A 401 of the question "who am I" is the answer to it, not an error.
 */
export async function openPage(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: WIDE, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    const { url } = message.location();
    const asksWho = /401/.test(message.text()) && url.endsWith("/api/v1/me");
    if (message.type() === "error" && !asksWho) faults.push(`console: ${message.text()} ${url}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    const own = url.origin === origin || url.protocol === "data:" || url.protocol === "blob:";
    if (!own) faults.push(`request off origin: ${request.url()}`);
  });
  return { context, page, faults };
}

/** Signs in on the page for it, up to the first page behind it. */
export async function signIn(page, origin, name, password) {
  await page.goto(`${origin}/login`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Violations as readable lines; empty when there is none. */
export async function axe(page) {
  // Evaluated by the debugger: the page's own policy rightly refuses injected scripts.
  await page.evaluate(axeSource);
  const result = await page.evaluate(
    (tags) => globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } }),
    RULES,
  );
  return result.violations.map(
    ({ id, help, nodes }) =>
      `${id} (${help}): ${nodes
        .slice(0, 3)
        .map((node) => node.html.slice(0, 160))
        .join(" | ")}`,
  );
}
