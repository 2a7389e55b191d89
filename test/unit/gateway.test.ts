import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Gateway, startGateway } from "../../src/gateway.js";
import { createRecorder } from "../../src/journal.js";
import { makePlan } from "../../src/plan.js";
import { startBroker } from "../support/broker.js";
import { eventually } from "../support/eventually.js";
import { temporaryFolder } from "../support/folder.js";
import { collect, connectClient } from "../support/mqtt.js";

/** A gateway with these bridges, a YAML list, through the real loader. */
async function start(t: TestContext, bridges: string, more = ""): Promise<Gateway> {
  const folder = temporaryFolder("weir-gateway-");
  const file = join(folder, "weir.yaml");
  writeFileSync(file, `gateway: { id: g }\nbroker: { listeners: [tcp://127.0.0.1:0] }\nbridges: ${bridges}\n${more}`);
  const recorder = createRecorder({
    level: "error",
    format: "text",
    write: (line) => t.diagnostic(line),
    now: Date.now,
  });
  const gateway = await startGateway({ plan: makePlan({ file, set: [], env: {} }), recorder });
  t.after(() => gateway.close());
  return gateway;
}

/** An upstream, and the payloads that arrive there on one topic. */
async function upstream(t: TestContext, topic: string): Promise<{ url: string; arrived: string[] }> {
  const broker = await startBroker(t);
  const arrived: string[] = [];
  broker.subscribe(topic, (message) => arrived.push(Buffer.from(message.payload).toString()));
  return { url: (broker.urls[0] ?? "").replace("tcp:", "mqtt:"), arrived };
}

const count = (gateway: Gateway, event: string): number =>
  gateway
    .counters()
    .filter((counter) => counter.event === event)
    .reduce((sum, counter) => sum + counter.count, 0);

const DOWN = "mqtt://127.0.0.1:1";

for (const [what, topic] of [
  ["a line feed", "weir/a\nb"],
  ["a NUL", "weir/a\0b"],
  ["a noncharacter", "weir/a\uffffb"],
] as const) {
  test(`a topic with ${what} is refused at the door: upstreams close the connection for it`, async (t) => {
    const { url, arrived } = await upstream(t, "weir/#");
    const gateway = await start(t, `[{ id: up, url: "${url}" }]`);
    await eventually(() => count(gateway, "bridge_up") === 1, "the bridge is up");
    const rogue = await connectClient(t, gateway.listeners[0]);
    rogue.publish(topic, "poison", { qos: 1 });
    await eventually(() => !rogue.connected, "the client is disconnected");
    const client = await connectClient(t, gateway.listeners[0]);
    await client.publishAsync("weir/fine", "fine", { qos: 1 });
    await eventually(() => arrived.includes("fine"), "what is fine arrives");
    assert.ok(!arrived.includes("poison"));
    assert.equal(count(gateway, "client_error"), 1);
  });
}

test("refused by one bridge, a message was taken by none, however often it is sent again", async (t) => {
  const { url, arrived } = await upstream(t, "weir/a");
  const full = `{ id: full, url: "${DOWN}", outbox: { maxMessages: 1, whenFull: refuse } }`;
  const gateway = await start(t, `[{ id: up, url: "${url}" }, ${full}]`);
  const client = await connectClient(t, gateway.listeners[0], { reconnectPeriod: 5 });
  await client.publishAsync("weir/a", "first", { qos: 1 });
  client.publish("weir/a", "second", { qos: 1 });
  await eventually(() => count(gateway, "publish_refused") >= 3, "it was sent and refused again and again");
  assert.deepEqual(arrived, ["first"]);
});

test("at a full outbox that refuses, QoS 0 is lost there and counted; the client stays, all others hear it", async (t) => {
  const { url, arrived } = await upstream(t, "weir/a");
  const full = `{ id: full, url: "${DOWN}", outbox: { maxMessages: 1, whenFull: refuse } }`;
  const gateway = await start(t, `[${full}, { id: up, url: "${url}" }]`);
  const subscriber = await connectClient(t, gateway.listeners[0]);
  await subscriber.subscribeAsync("weir/a");
  const { until } = collect(subscriber);
  const client = await connectClient(t, gateway.listeners[0]);
  for (let i = 0; i < 5; i++) client.publish("weir/a", `${i}`);
  await until((all) => all.length === 5);
  await eventually(() => arrived.length === 5, "the bridge that has room carries all of them");
  assert.equal(count(gateway, "outbox_dropped"), 4);
  assert.equal(count(gateway, "publish_refused"), 0);
});

test("more links than Node takes for a leak: it does not warn of one", async (t) => {
  const warnings: Error[] = [];
  const warn = (warning: Error): unknown => warnings.push(warning);
  process.on("warning", warn);
  t.after(() => process.off("warning", warn));
  const device = (n: number): string =>
    `  - { id: d${n}, adapter: coap, profile: generic/thermostat-coap, address: "coap://127.0.0.1:1" }\n`;
  await start(t, "[]", `devices:\n${Array.from({ length: 20 }, (_, n) => device(n)).join("")}`);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(warnings, []);
});
