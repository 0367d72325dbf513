// The page behind a link of a page, as it is opened from a phone: light, dark, and without script.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, openPage, PHONE } from "./browser.mjs";

const origin = process.env.WATCHTOWER_URL;
const link = `${origin}${process.env.LINK}`;
const SOON_MS = 15_000;

let browser;

before(async () => {
  assert.ok(origin && process.env.LINK, "WATCHTOWER_URL and LINK must be set: the end-to-end tests do");
  browser = await launch();
});

after(async () => {
  await browser?.close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`it fits a phone and can be read, ${colorScheme}`, async () => {
    const { context, page, faults } = await openPage(browser, origin, { viewport: PHONE, colorScheme });
    page.setDefaultTimeout(SOON_MS);
    await page.goto(link);
    const seen = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      height: document.querySelector("button").getBoundingClientRect().height,
      styled: getComputedStyle(document.querySelector("main")).maxWidth,
    }));
    assert.ok(seen.width <= PHONE.width, `it is ${seen.width} wide`);
    assert.ok(seen.height >= 44, `a thumb misses ${seen.height} pixels`);
    assert.equal(seen.styled, "560px", "the policy lets its own style in");
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("the button acknowledges without script", async () => {
  const options = { viewport: PHONE, javaScriptEnabled: false };
  const { context, page } = await openPage(browser, origin, options);
  page.setDefaultTimeout(SOON_MS);
  await page.goto(link);
  await page.getByText("Nobody yet").waitFor();
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.getByText("Acknowledged by the link sent to channel sink").waitFor();
  assert.equal(await page.getByRole("button").count(), 0);
  // It is a page of its own again: to load it anew sends nothing.
  await page.reload();
  await page.getByText("Acknowledged by the link sent to channel sink").waitFor();
  await context.close();
});
