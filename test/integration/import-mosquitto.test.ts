/**
 * A real mosquitto bridges by its own configuration, then Weir by what `weir import` makes of it, at the same port: both
 * carry the same messages to the same topics with the same QoS, up and down.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { MqttClient } from "mqtt";
import { startGateway } from "../../src/gateway.js";
import { createRecorder } from "../../src/journal.js";
import { makePlan } from "../../src/plan.js";
import { eventually } from "../support/eventually.js";
import { temporaryFolder } from "../support/folder.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient, type Heard } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { freePort } from "../support/ports.js";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.js");

const TOPICS = `
topic sensors/# out 1 "" plant7/
topic cmd/# in 1 "" plant7/
topic /status/# out 2 hall site7/gate
topic "" out 1 a/b c/b
topic only/+ out
topic -meter/# out 1 hall1/power site/hall1/power
topic news/+/now in 2 cloud/ hq/
`;

/** Where each is published, and where it must be heard on the other side. */
const UP = [
  ["sensors/air/temperature", "plant7/sensors/air/temperature 1"],
  ["hall/status/door", "site7/gate/status/door 2"],
  ["a/b", "c/b 1"],
  ["only/this", "only/this 0"],
  ["hall1/power-meter/kwh", "site/hall1/power-meter/kwh 1"],
] as const;
const DOWN = [
  ["plant7/cmd/air/set", "cmd/air/set 1"],
  ["hq/news/today/now", "cloud/news/today/now 2"],
] as const;
/** No line takes these. */
const STAY_BELOW = ["only/this/not", "hall1/power", "cloud/news/today/now"];
const STAY_ABOVE = ["plant7/sensors/x", "hq/news/now"];

test("mosquitto and Weir with the imported configuration carry the same", needs("mosquitto"), async (t) => {
  const upstream = await startMosquitto(t);
  const port = await freePort();
  const bridge = `connection up\naddress ${new URL(upstream.url).host}\nremote_clientid up\ncleansession true\nnotifications false\n${TOPICS}`;
  const mosquitto = await startMosquitto(t, bridge, port);
  const expected = [...UP.map(([, heard]) => `up ${heard}`), ...DOWN.map(([, heard]) => `down ${heard}`)].sort();
  assert.deepEqual(await carried(t, mosquitto.url, upstream.url), expected);
  await mosquitto.kill();

  const folder = temporaryFolder("weir-import-");
  const source = join(folder, "mosquitto.conf");
  writeFileSync(source, `listener ${port} 127.0.0.1\nallow_anonymous true\n${bridge}`);
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, "import", source], { timeout: 20_000 });
  const file = join(folder, "weir.yaml");
  writeFileSync(file, stdout);
  const gateway = await startGateway({
    plan: makePlan({ file, set: [], env: {} }),
    recorder: createRecorder({ level: "error", format: "text", write: (line) => t.diagnostic(line), now: Date.now }),
  });
  t.after(() => gateway.close());
  assert.deepEqual(await carried(t, `mqtt://127.0.0.1:${port}`, upstream.url), expected);
});

/** Publishes everything on both sides; gives what came over, one line a message. */
async function carried(t: TestContext, local: string, remote: string): Promise<string[]> {
  const [below, above] = [await connectClient(t, local), await connectClient(t, remote)];
  const [heardAbove, heardBelow] = [collect(above), collect(below)];
  await above.subscribeAsync("#", { qos: 2 });
  await below.subscribeAsync("#", { qos: 2 });
  await probe(below, "sensors/probe", heardAbove.heard, "plant7/sensors/probe");
  await probe(above, "plant7/cmd/probe", heardBelow.heard, "cmd/probe");
  for (const topic of [...STAY_BELOW, ...UP.map(([sent]) => sent)])
    await below.publishAsync(topic, "from below", { qos: 2 });
  for (const topic of [...STAY_ABOVE, ...DOWN.map(([sent]) => sent)])
    await above.publishAsync(topic, "from above", { qos: 2 });
  const up = (all: readonly Heard[]): Heard[] => all.filter((m) => m.payload === "from below");
  const down = (all: readonly Heard[]): Heard[] => all.filter((m) => m.payload === "from above");
  await heardAbove.until((all) => up(all).length >= UP.length);
  await heardBelow.until((all) => down(all).length >= DOWN.length);
  await Promise.all([below.endAsync(), above.endAsync()]);
  return [
    ...up(heardAbove.heard).map((m) => `up ${m.topic} ${m.qos}`),
    ...down(heardBelow.heard).map((m) => `down ${m.topic} ${m.qos}`),
  ].sort();
}

/** Until one comes through the bridge is not connected, or has not subscribed. */
async function probe(from: MqttClient, topic: string, heard: readonly Heard[], as: string): Promise<void> {
  await eventually(async () => {
    await from.publishAsync(topic, "probe", { qos: 1 });
    return heard.some((m) => m.topic === as);
  }, `${topic} arrives as ${as}`);
}
