// Gzip beside every text file of the build: the hub serves it to browsers that take it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const SMALLEST_WORTH_IT = 1024;
const dist = new URL("../dist/", import.meta.url);
for (const file of readdirSync(dist, { recursive: true })) {
  if (!/\.(js|css|html|svg)$/.test(file)) continue;
  const bytes = readFileSync(new URL(file, dist));
  if (bytes.length >= SMALLEST_WORTH_IT)
    writeFileSync(new URL(`${file}.gz`, dist), gzipSync(bytes, { level: 9 }));
}
