import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { encodeSenmlCbor } from "../../src/protocols/senml/index.js";
import { locate, needs } from "../support/peers.js";
import { device, NOW, open } from "../unit/adapters/coap/fixture.js";

/** libcoap's client ends with 0 whatever the answer is: what it prints at -v 6 tells. In ms. */
const PATIENCE = 30_000;
const run = promisify(execFile);

const AIR = device("air", {
  temperature: { type: "number", unit: "Cel", access: "R" },
  humidity: { type: "number", unit: "%RH", access: "R" },
  label: { type: "string", access: "R" },
});

interface Output {
  /** The codes of all messages that were received, in order. */
  readonly codes: readonly string[];
  readonly text: string;
}

async function coapClient(port: number, path: string, ...options: string[]): Promise<Output> {
  const program = locate("coap-client-notls") ?? "";
  const args = ["-v", "6", "-B", "10", ...options, `coap://127.0.0.1:${port}/${path}`];
  const { stdout, stderr } = await run(program, args, { timeout: PATIENCE });
  const text = stdout + stderr;
  const codes = [...text.matchAll(/^v:1 t:(?:ACK|CON|NON) c:([245]\.[0-9]{2}) /gm)].map(([, code]) => code ?? "");
  return { codes, text };
}

/** A file with that content, for -f. */
async function file(context: TestContext, content: Uint8Array | string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "weir-coap-"));
  context.after(() => rm(folder, { recursive: true }));
  const name = join(folder, "payload");
  await writeFile(name, content);
  return name;
}

const good = (resource: string, value: unknown, more = {}) => ({
  device: "air",
  resource,
  value,
  time: NOW,
  quality: "good",
  ...more,
});
const BOTH = [good("temperature", 21.5, { unit: "Cel" }), good("humidity", 40, { unit: "%RH" })];
/** {"temperature": 21.5, "humidity": 40} */
const CBOR = Buffer.from("a2" + "6b74656d7065726174757265" + "f94d60" + "6868756d6964697479" + "1828", "hex");
const NEEDS = needs("coap-client-notls");

for (const [what, path, content, options, expected] of [
  ["text", "air/temperature", "21.5", ["-m", "post", "-t", "0"], [BOTH[0]]],
  ["text without a Content-Format", "air/temperature", "21.5", ["-m", "put"], [BOTH[0]]],
  ["text in a non-confirmable request", "air/temperature", "21.5", ["-N", "-m", "post", "-t", "0"], [BOTH[0]]],
  ["JSON", "air", `{"temperature":21.5,"humidity":40}`, ["-m", "post", "-t", "50"], BOTH],
  ["CBOR", "air", CBOR, ["-m", "post", "-t", "60"], BOTH],
  [
    "SenML in JSON",
    "air",
    `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"temperature","u":"Cel","v":21.5},{"n":"humidity","u":"%RH","v":40}]`,
    ["-m", "post", "-t", "110"],
    BOTH,
  ],
  [
    "SenML in CBOR",
    "air",
    encodeSenmlCbor([
      { name: "air/temperature", value: 21.5, unit: "Cel" },
      { name: "air/humidity", value: 40, unit: "%RH" },
    ]),
    ["-m", "put", "-t", "112"],
    BOTH,
  ],
] as const) {
  test(`coap-client posts ${what}`, NEEDS, async (context) => {
    const { port, taken } = await open(context, [AIR]);
    const { codes, text } = await coapClient(port, path, ...options, "-f", await file(context, content));
    assert.deepEqual(codes, ["2.04"], text);
    assert.deepEqual(taken, [expected]);
  });
}

for (const size of ["1024", "64"]) {
  test(`coap-client puts a large body in blocks of ${size}`, NEEDS, async (context) => {
    const { port, taken } = await open(context, [AIR]);
    const label = "x".repeat(3000);
    const payload = await file(context, JSON.stringify({ label }));
    const { codes, text } = await coapClient(port, "air", "-m", "put", "-t", "50", "-b", size, "-f", payload);
    assert.equal(codes.at(-1), "2.04", text);
    assert.ok(
      codes.slice(0, -1).every((code) => code === "2.31"),
      codes.join(),
    );
    assert.deepEqual(taken, [[good("label", label)]]);
  });
}

test("coap-client gets its answer separately when the readings take long to store", NEEDS, async (context) => {
  const sink = () => new Promise<void>((resolve) => setTimeout(resolve, 1300));
  const { port, taken } = await open(context, [AIR], { sink });
  const { codes, text } = await coapClient(port, "air/temperature", "-m", "post", "-e", "21.5");
  assert.deepEqual(codes, ["2.04"], text);
  assert.match(text, /t:CON c:2\.04/);
  assert.equal(taken.length, 1);
});

for (const [what, path, options, code, reason] of [
  ["a nested object", "air", ["-m", "post", "-t", "50", "-e", `{"temperature":{}}`], "4.00", /nested/],
  ["text that is no number", "air/temperature", ["-m", "post", "-e", "warm"], "4.00", /must be a number/],
  ["an unknown device", "water/temperature", ["-m", "post", "-e", "1"], "4.04", /no device/],
  ["an unknown resource", "air/pressure", ["-m", "post", "-e", "1"], "4.04", /no resource/],
  ["GET", "air/temperature", ["-m", "get"], "4.05", /POST or PUT/],
  ["DELETE", "air/temperature", ["-m", "delete"], "4.05", /POST or PUT/],
  ["XML", "air", ["-m", "post", "-t", "41", "-e", "<a/>"], "4.15", /Content-Format 41/],
  ["an unknown critical option", "air/temperature", ["-m", "post", "-O", "65001,x", "-e", "1"], "4.02", /65001/],
] as const) {
  test(`coap-client is refused ${what}: ${code}`, NEEDS, async (context) => {
    const { port, taken } = await open(context, [AIR]);
    const { codes, text } = await coapClient(port, path, ...options);
    assert.deepEqual(codes, [code], text);
    assert.match(text, reason);
    assert.deepEqual(taken, []);
  });
}

test("coap-client is refused a body beyond maxPayload: 4.13", NEEDS, async (context) => {
  const { port } = await open(context, [AIR], { maxPayload: 2000 });
  const payload = await file(context, "x".repeat(3000));
  const { codes, text } = await coapClient(port, "air/label", "-m", "put", "-t", "0", "-f", payload);
  assert.equal(codes.at(-1), "4.13", text);
});

test("coap-client reads /.well-known/core, in blocks where there are many devices", NEEDS, async (context) => {
  const devices = Array.from({ length: 100 }, (_, index) => device(`device-${index}`));
  const { port } = await open(context, devices);
  // Without its log, which would stand between the blocks.
  const { text } = await coapClient(port, ".well-known/core", "-m", "get", "-v", "3");
  assert.match(text, /<\/device-0>;/);
  assert.match(text, /<\/device-99>;rt="weir\.device";ct="50 60 110 112"/);
});
