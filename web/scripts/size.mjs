// Fails when the dashboard outgrows its budgets: gzip sizes of what a browser loads, from Vite's manifest.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KIB = 1024;
const BUDGETS = { first: 150 * KIB, chart: 185 * KIB, lazy: 45 * KIB, css: 20 * KIB };
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const gz = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;

function closure(keys, seen = new Set()) {
  for (const key of keys) {
    if (seen.has(key)) continue;
    seen.add(key);
    closure(manifest[key].imports ?? [], seen);
  }
  return seen;
}
const js = (keys) => [...keys].reduce((sum, key) => sum + gz(manifest[key].file), 0);
const css = (keys) =>
  [...keys].flatMap((key) => manifest[key].css ?? []).reduce((sum, file) => sum + gz(file), 0);
const key = (part) => Object.keys(manifest).find((name) => name.includes(part));

const shell = closure(["index.html"]);
const overview = closure([key("overview/OverviewPage")], new Set(shell));
const server = closure([key("servers/ServerPage"), key("charts/Plot")], new Set(shell));
const everything = new Set(Object.keys(manifest));
const rows = [
  ["first load (sign-in, overview)", js(overview), BUDGETS.first],
  ["server page with charts", js(server), BUDGETS.chart],
  ["all CSS", css(everything), BUDGETS.css],
];
for (const [name, entry] of Object.entries(manifest)) {
  if (entry.isDynamicEntry) rows.push([`lazy ${name}`, gz(entry.file), BUDGETS.lazy]);
}
let failed = false;
for (const [name, size, budget] of rows) {
  const over = size > budget;
  failed ||= over;
  console.log(
    `${over ? "OVER" : "ok  "} ${(size / KIB).toFixed(1).padStart(7)} of ${budget / KIB} KiB  ${name}`,
  );
}
process.exit(failed ? 1 : 0);
