// Starts a fresh hub with a local agent in a directory of its own, runs the suite against it, and stops it again.
// WATCHTOWER_BIN names the hub's program; the agent's program lies beside it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Resolves to the token of the setup link, which the hub prints once it serves. */
function setupToken(hub) {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(
      () => reject(new Error(`no setup link within ${START_WITHIN_MS} ms:\n${text}`)),
      START_WITHIN_MS,
    );
    const read = (chunk) => {
      text += chunk;
      const found = /\/setup\?token=([^\s"]+)/.exec(text);
      if (!found) return;
      clearTimeout(timer);
      resolve(decodeURIComponent(found[1]));
    };
    hub.stdout.on("data", read);
    hub.stderr.on("data", read);
    hub.on("exit", (code) => reject(new Error(`the hub ended with ${code}:\n${text}`)));
  });
}

export async function startHub(binary, extra = []) {
  const data = mkdtempSync(join(tmpdir(), "watchtower-web-"));
  const [port, agentPort] = [await freePort(), await freePort()];
  const args = [
    ...["serve", "--data-dir", data, "--listen", `127.0.0.1:${port}`],
    ...[
      "--agent-listen",
      `127.0.0.1:${agentPort}`,
      "--with-local-agent",
      "--disk-guard=page=100,logs=100,metrics=100",
      ...extra,
    ],
  ];
  const hub = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  const stop = () =>
    new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        rmSync(data, { recursive: true, force: true });
        resolve();
      };
      const timer = setTimeout(() => process.kill(hub.pid, "SIGKILL"), STOP_WITHIN_MS);
      if (hub.exitCode !== null) return finish();
      hub.on("exit", finish);
      process.kill(hub.pid, "SIGTERM");
    });
  try {
    return { url: `http://127.0.0.1:${port}`, token: await setupToken(hub), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function runSuite(env) {
  const suite = fileURLToPath(new URL("dashboard.test.mjs", import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--test", suite], {
      stdio: "inherit",
      env: { ...process.env, ...env },
    });
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const binary = process.env.WATCHTOWER_BIN;
  if (!binary) {
    console.error("WATCHTOWER_BIN must name the hub's program, such as target/release/watchtower");
    process.exit(2);
  }
  const hub = await startHub(binary);
  let code = 1;
  try {
    code = await runSuite({ WATCHTOWER_URL: hub.url, WATCHTOWER_SETUP_TOKEN: hub.token });
  } finally {
    await hub.stop();
  }
  process.exit(code);
}
