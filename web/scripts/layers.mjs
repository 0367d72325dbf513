// Imports go one way: lib <- api <- ui <- charts <- features <- shell and routes; a feature never reads another feature.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const ORDER = ["lib", "api", "ui", "charts", "features", "shell", "root"];
const LINES_MAX = 400;
const root = new URL("../src/", import.meta.url).pathname;

const files = readdirSync(root, { recursive: true }).filter((file) => /\.tsx?$/.test(file));
const layerOf = (path) => (path.includes("/") ? path.split("/")[0] : "root");
const featureOf = (path) => (path.startsWith("features/") ? path.split("/")[1] : undefined);
const problems = [];

for (const file of files) {
  const text = readFileSync(join(root, file), "utf8");
  if (file !== "api/schema.ts" && text.split("\n").length > LINES_MAX) {
    problems.push(`${file}: more than ${LINES_MAX} lines`);
  }
  for (const [, target] of text.matchAll(/(?:from|import\() ?"([^"]+)"/g)) {
    if (!target.startsWith("@/") && !target.startsWith(".")) continue;
    const path = target.startsWith("@/") ? target.slice(2) : relative(root, join(root, file, "..", target));
    const [from, to] = [ORDER.indexOf(layerOf(file)), ORDER.indexOf(layerOf(path))];
    const pathsIsShared = path === "paths";
    if (to > from && !pathsIsShared) problems.push(`${file}: ${layerOf(file)} may not import ${path}`);
    const [own, other] = [featureOf(file), featureOf(path)];
    if (own && other && own !== other) problems.push(`${file}: feature ${own} may not import ${path}`);
  }
}

for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
