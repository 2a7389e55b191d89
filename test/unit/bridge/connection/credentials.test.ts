import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readCredentials } from "../../../../src/bridge/connection/credentials.js";

function file(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "weir-credentials-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  writeFileSync(path, text);
  return path;
}

test("a token is its file without the last line end, and stands in place of the password", async (t) => {
  for (const [text, token] of [
    ["abc\n", "abc"],
    ["abc\r\n", "abc"],
    ["abc\n\n", "abc\n"],
    ["abc", "abc"],
    ["", ""],
  ] as const) {
    const passwordFile = file(t, text);
    assert.equal((await readCredentials({ id: "up", password: "other", passwordFile })).password, token);
  }
  assert.equal((await readCredentials({ id: "up", password: "p" })).password, "p");
});

test("the fingerprint is another one when a file is, and only then", async (t) => {
  const passwordFile = file(t, "one");
  const read = async () => (await readCredentials({ id: "up", passwordFile })).fingerprint;
  const first = await read();
  assert.equal(await read(), first);
  writeFileSync(passwordFile, "two");
  assert.notEqual(await read(), first);
});

test("a file that is not there, is far too long, or holds no certificate is told with the bridge's name", async (t) => {
  const failed = { code: "BRIDGE_FAILED", message: /^bridge up: / };
  const tls = { rejectUnauthorized: true };
  await assert.rejects(readCredentials({ id: "up", passwordFile: "/nowhere" }), failed);
  await assert.rejects(readCredentials({ id: "up", passwordFile: file(t, "x".repeat(2 ** 20 + 1)) }), failed);
  await assert.rejects(readCredentials({ id: "up", passwordFile: "/dev/zero" }), failed);
  await assert.rejects(readCredentials({ id: "up", tls: { ...tls, cert: file(t, "half a") } }), failed);
});

test("ALPN and CA go to TLS as they are", async () => {
  const { certificates } = await readCredentials({
    id: "up",
    tls: { alpn: ["x-amzn-mqtt-ca"], rejectUnauthorized: false },
  });
  assert.deepEqual(certificates, { ALPNProtocols: ["x-amzn-mqtt-ca"], rejectUnauthorized: false });
});
