/** `kill -9` of the gateway: what its own broker promised is there after the next start. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import mqtt, { type MqttClient } from "mqtt";
import { eventually } from "../support/eventually.js";
import { startGatewayProcess } from "../support/gateway-process.js";
import { collect, connectClient } from "../support/mqtt.js";

const SUBSCRIBER = { clientId: "historian", clean: false } as const;
const COUNT = 300;

/** Connects as one who hears from the first packet on: what waits comes right behind CONNACK. */
function come(t: TestContext, url: string): { client: MqttClient; heard: ReturnType<typeof collect> } {
  const client = mqtt.connect(url.replace("tcp:", "mqtt:"), { ...SUBSCRIBER, reconnectPeriod: 0 });
  t.after(() => client.endAsync(true));
  return { client, heard: collect(client) };
}

test("sessions, what waits in them, retained messages and wills survive kill -9", async (t) => {
  const gateway = await startGatewayProcess(t, "[]");
  const first = await connectClient(t, gateway.url, SUBSCRIBER);
  await first.subscribeAsync({ "q/1": { qos: 1 }, "q/2": { qos: 2 }, will: { qos: 1 } });
  await first.endAsync();
  const publisher = await connectClient(t, gateway.url, {
    clientId: "plc",
    will: { topic: "will", payload: Buffer.from("gone"), qos: 1, retain: false },
  });
  publisher.on("error", () => {}); // it is to be cut off
  const numbers = Array.from({ length: COUNT }, (_, n) => `${n}`);
  await Promise.all(
    numbers.flatMap((n) => [
      publisher.publishAsync("q/1", n, { qos: 1 }),
      publisher.publishAsync("q/2", n, { qos: 2 }),
    ]),
  );
  await publisher.publishAsync("kept", "21.5", { qos: 1, retain: true });
  await gateway.kill();
  await gateway.start();

  const { client, heard } = come(t, gateway.url);
  const present = new Promise<boolean>((resolve) =>
    client.once("connect", ({ sessionPresent }) => resolve(sessionPresent)),
  );
  assert.equal(await present, true);
  await heard.until((all) => all.length >= 2 * COUNT + 1);
  const payloads = (topic: string): string[] =>
    heard.heard.filter((one) => one.topic === topic).map(({ payload }) => payload);
  assert.deepEqual(payloads("q/1"), numbers);
  assert.deepEqual(payloads("q/2"), numbers);
  assert.deepEqual(payloads("will"), ["gone"]);
  await client.subscribeAsync("kept", { qos: 1 });
  await heard.until((all) => all.some(({ topic, retain }) => topic === "kept" && retain));
});

test("QoS 2 comes once, whatever is on its way when the gateway is killed, again and again", async (t) => {
  const gateway = await startGatewayProcess(t, "[]");
  const first = await connectClient(t, gateway.url, SUBSCRIBER);
  await first.subscribeAsync("q/2", { qos: 2 });
  await first.endAsync();
  const publisher = await connectClient(t, gateway.url);
  publisher.on("error", () => {}); // it is to be cut off
  const numbers = Array.from({ length: COUNT }, (_, n) => `${n}`);
  await Promise.all(numbers.map((n) => publisher.publishAsync("q/2", n, { qos: 2 })));

  // The client keeps its own side of the exchanges, and comes back by itself.
  const client = mqtt.connect(gateway.url.replace("tcp:", "mqtt:"), { ...SUBSCRIBER, reconnectPeriod: 20 });
  client.on("error", () => {}); // while the gateway is gone
  t.after(() => client.endAsync(true));
  const { heard } = collect(client);
  for (const part of [COUNT / 4, COUNT / 2]) {
    await eventually(() => heard.length >= part, "it comes");
    await gateway.kill();
    await gateway.start();
  }
  await eventually(() => heard.length >= COUNT, "all of it has come");
  // One more through the whole way: nothing that came before is still to come again.
  const last = await connectClient(t, gateway.url);
  await last.publishAsync("q/2", "last", { qos: 2 });
  await eventually(() => heard.at(-1)?.payload === "last", "the last one has come");
  assert.deepEqual(
    heard.map(({ payload }) => payload),
    [...numbers, "last"],
  );
});
