/**
 * A folder of test/cases/gateway is a test: the bytes of `play.yaml` go through a pty into the real serialport, libcoap's
 * client posts, a real mosquitto is the upstream; what arrives there equals `expected.txt` byte by byte, and so do the
 * counters of what was discarded. WEIR_UPDATE_CASES=1 writes the file anew, to be read before it is committed.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Gateway, startGateway } from "../../src/gateway.js";
import { createRecorder } from "../../src/journal.js";
import { makePlan } from "../../src/plan.js";
import { type Case, loadCases, root } from "../support/case.js";
import { coapRequest } from "../support/coap-client.js";
import { eventually } from "../support/eventually.js";
import { temporaryFolder } from "../support/folder.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient, type Heard } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { freeUdpPort } from "../support/ports.js";
import { openPty } from "../support/pty.js";
import { type FarEnd, openFarEnd, recording, replay } from "../support/serial-replay.js";

/** When everything was measured, in these tests: payloads carry it. */
const NOW = 1_763_890_000_123;
/** Comes last through the outbox, so that nothing can come after it. */
const LAST = "case/last";
/** Not of interest to a case: how the gateway itself came up. */
const COUNTED =
  /^(serial_|coap_refused|coap_undecodable|coap_dropped|command_|report_|router_|reading_|outbox_|bridge_in_|result_)/;

for (const one of loadCases()) {
  const peers = needs("socat", "mosquitto", "coap-client-notls");
  const skip = peers.skip || (one.missing === undefined ? false : `${one.missing} is not in this clone`);
  test(`case ${one.name}`, { skip }, (t) => play(t, one));
}

async function play(t: TestContext, one: Case): Promise<void> {
  const upstream = await startMosquitto(t);
  const watcher = await connectClient(t, upstream.url);
  const { heard, until } = collect(watcher);
  await watcher.subscribeAsync("up/#", { qos: 2 });
  const coapPort = await freeUdpPort();
  const env: Record<string, string> = {
    WEIR_BRIDGES__0__URL: upstream.url,
    WEIR_BROKER__LISTENERS: "[tcp://127.0.0.1:0]",
    WEIR_GATEWAY__STATE: temporaryFolder("weir-case-"),
    WEIR_ADAPTERS__COAP__LISTEN: `udp://127.0.0.1:${coapPort}`,
  };
  const far = new Map<string, FarEnd>();
  for (const device of new Set(
    [one.play.serial, one.play.answers, one.play.sent].flatMap((part) => Object.keys(part)),
  )) {
    const pty = await openPty();
    t.after(() => pty.close());
    const end = await openFarEnd(pty.far);
    t.after(() => end.close());
    for (const { to, with: reply } of one.play.answers[device] ?? []) {
      end.answer((piece) => (piece.equals(bytes(to)) ? bytes(reply) : undefined));
    }
    env[`WEIR_DEVICES__${device}__ADDRESS`] = pty.near;
    far.set(device, end);
  }
  const recorder = createRecorder({
    level: "error",
    format: "text",
    write: (line) => t.diagnostic(line),
    now: Date.now,
  });
  const plan = makePlan({ file: one.config, set: [], env });
  const gateway = await startGateway({ plan, recorder, now: () => NOW });
  t.after(() => gateway.close());
  await until((all) =>
    plan.config.devices.every(({ id, adapter, simulate }) => (adapter === "coap" && !simulate) || isOnline(all, id)),
  );

  for (const [device, { file, hex, text, split }] of Object.entries(one.play.serial)) {
    const input =
      file === undefined
        ? hex === undefined
          ? Buffer.from(text ?? "")
          : bytes(hex)
        : await recording(join(root, file));
    await replay(farEnd(far, device), input, { split });
  }
  for (const request of one.play.coap) {
    const printed = await coapRequest(coapPort, request);
    assert.match(printed, new RegExp(`c:${request.expect.replace(".", "\\.")}\\b`), `${request.path}: ${printed}`);
    if (request.diagnostic !== undefined) assert.ok(printed.includes(request.diagnostic), printed);
  }
  for (const { topic, payload } of one.play.commands) {
    const results = (all: Heard[]): number => all.filter((m) => m.topic.endsWith("/result")).length;
    const before = results(heard);
    await watcher.publishAsync(`up/${topic}`, payload, { qos: 1 });
    await until((all) => results(all) > before);
  }

  for (const [device, hex] of Object.entries(one.play.sent)) {
    const sent = await farEnd(far, device).receive(bytes(hex).length);
    assert.equal(sent.toString("hex"), bytes(hex).toString("hex"));
  }
  const wanted = one.expected;
  const now = (): string => render(heard, gateway);
  if (process.env["WEIR_UPDATE_CASES"] === "1") {
    await settle(now);
    writeFileSync(join(one.folder, "expected.txt"), now());
    return;
  }
  await eventually(() => now() === wanted, "the upstream has heard what is expected", 10_000).catch(() => {});
  const local = await connectClient(t, gateway.listeners[0]);
  await local.publishAsync(`${plan.config.gateway.prefix}/${LAST}`, "", { qos: 1 });
  await until((all) => all.some((m) => m.topic.endsWith(LAST)));
  assert.equal(now(), wanted);
}

function farEnd(far: ReadonlyMap<string, FarEnd>, device: string): FarEnd {
  const end = far.get(device);
  assert.ok(end, `play.yaml names ${device}, which has no port`);
  return end;
}

function isOnline(heard: readonly Heard[], device: string): boolean {
  return heard.some((m) => m.topic.endsWith(`/${device}/status`) && m.payload === "online");
}

/** One line a message, then one a counter. MQTT keeps the order within one QoS only, so they are apart. */
function render(heard: readonly Heard[], gateway: Gateway): string {
  const own = heard.filter(
    (m) => !m.topic.includes("$gateway") && !m.topic.endsWith("/status") && !m.topic.endsWith("/last"),
  );
  const messages = [0, 1, 2].flatMap((qos) =>
    own.filter((m) => m.qos === qos).map((m) => `${m.topic} qos ${m.qos}${m.retain ? " retained" : ""} ${m.payload}\n`),
  );
  const counters = gateway
    .counters()
    .filter(({ event }) => COUNTED.test(event))
    .map(({ event, at, reason, count }) => `# ${event} ${at} ${reason} ${count}`.replace(/ +/g, " "))
    .map((line) => line.replace(/udp:\/\/[^ ]*/, "udp://*"))
    .sort();
  return `${messages.join("")}${counters.map((line) => `${line}\n`).join("")}`;
}

/** Only for writing the file anew: what is expected is not known, so that nothing but quiet tells the end. */
async function settle(state: () => string): Promise<void> {
  let last = state();
  let since = Date.now();
  await eventually(
    () => {
      if (state() !== last) [last, since] = [state(), Date.now()];
      return Date.now() - since > 1500;
    },
    "nothing more arrives",
    60_000,
  );
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replace(/\s/g, ""), "hex");
}
