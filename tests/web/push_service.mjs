// A push service, and the keys of a browser that subscribed there: what it takes it opens as that browser would (RFC 8291).
import assert from "node:assert/strict";
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const KEY_BYTES = 65;

export async function startPushService() {
  const browser = createECDH("prime256v1");
  browser.generateKeys();
  const auth = randomBytes(16);
  const taken = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      taken.push({ headers: request.headers, text: open(Buffer.concat(chunks), browser, auth) });
      response.writeHead(201).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    subscription: {
      endpoint: `http://127.0.0.1:${server.address().port}/push/of-ana`,
      keys: { p256dh: browser.getPublicKey("base64url"), auth: auth.toString("base64url") },
    },
    taken,
    stop: () => server.close(),
  };
}

function open(body, browser, auth) {
  const salt = body.subarray(0, 16);
  assert.equal(body[20], KEY_BYTES);
  const sender = body.subarray(21, 21 + KEY_BYTES);
  const record = body.subarray(21 + KEY_BYTES);
  const about = Buffer.concat([Buffer.from("WebPush: info\0"), browser.getPublicKey(), sender]);
  const secret = Buffer.from(hkdfSync("sha256", browser.computeSecret(sender), auth, about, 32));
  const part = (name, length) =>
    Buffer.from(hkdfSync("sha256", secret, salt, Buffer.from(`Content-Encoding: ${name}\0`), length));
  const cipher = createDecipheriv("aes-128-gcm", part("aes128gcm", 16), part("nonce", 12));
  cipher.setAuthTag(record.subarray(-16));
  const plain = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
  assert.equal(plain.at(-1), 2, "the end of the last record");
  return plain.subarray(0, -1).toString();
}
