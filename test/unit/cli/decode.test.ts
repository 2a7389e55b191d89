/** `weir decode` as a process. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeBatch } from "../../../src/protocols/batch/index.js";
import { EXAMPLE } from "../protocols/batch/readings.js";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.js");
const BATCH = encodeBatch(EXAMPLE, { format: "senml-cbor", compression: "zlib" });
const LINES = `weir/air-1/temperature {"v":21.5,"t":1763890000123,"u":"Cel","q":"good"}
weir/air-1/humidity {"v":40,"t":1763890000131,"u":"%RH","q":"good"}
weir/air-1/status online
`;

function decode(input: string | Uint8Array, ...options: string[]): { status: number | null; out: string; log: string } {
  const ran = spawnSync(process.execPath, [MAIN, "decode", ...options], { input, encoding: "utf8", timeout: 20_000 });
  return { status: ran.status, out: ran.stdout, log: ran.stderr };
}

test("a line a message, from standard input or a file", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-decode-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "batch");
  writeFileSync(file, BATCH);
  for (const ran of [decode(BATCH), decode(BATCH, "-"), decode("", file)]) {
    assert.deepEqual(ran, { status: 0, out: LINES, log: "" });
  }
});

test("hex and base64 as people copy them", () => {
  const hex = Buffer.from(BATCH).toString("hex").replace(/.{32}/g, "$&\n");
  assert.deepEqual(decode(`${hex}\n`, "--hex"), { status: 0, out: LINES, log: "" });
  assert.deepEqual(decode(Buffer.from(BATCH).toString("base64"), "--base64"), { status: 0, out: LINES, log: "" });
  assert.match(decode("5b5", "--hex").log, /^weir: the input is not hex\n/);
  assert.equal(decode("5b5d", "--hex", "--base64").status, 2);
});

test("what would break a line or a terminal is hex", () => {
  const messages = ["a\nb", "\x1b[2J", Uint8Array.of(0xff)].map((payload) => {
    return { topic: "a", payload: Buffer.from(payload), qos: 0, retain: false } as const;
  });
  const { out } = decode(encodeBatch(messages, { format: "json", compression: "none" }));
  assert.equal(out, "a 0x610a62\na 0x1b5b324a\na 0xff\n");
});

test("what is no batch ends it with 1 and says why", () => {
  assert.deepEqual(decode("[{}]"), {
    status: 1,
    out: "",
    log: "weir: no batch: message 1 has no topic\nThe payload could not be decoded.\n",
  });
  const { status, log } = decode("", "/nowhere/batch");
  assert.equal(status, 1);
  assert.match(log, /^weir: the batch cannot be read: .*ENOENT/);
});
