/** The judge is judged: clients that others wrote, without faults, are found to be clean and everything of theirs arrives once. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { MqttClient } from "mqtt";
import { strictUpstream, type Upstream } from "../faults/upstreams.js";
import { eventually } from "../support/eventually.js";
import { openLink } from "../support/link.js";
import { startMosquitto } from "../support/mosquitto.js";
import { connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import type { Method } from "../support/strict-upstream/session.js";

const COUNT = 150;
const NUMBERS = Array.from({ length: COUNT }, (_, n) => `${n}`);

async function start(t: TestContext, method: Method): Promise<Upstream> {
  const folder = mkdtempSync(join(tmpdir(), "weir-strict-"));
  const upstream = await strictUpstream(folder, { method, delay: 5, receiveMaximum: undefined, seed: 1 });
  t.after(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true });
  });
  return upstream;
}

for (const protocolVersion of [4, 5] as const) {
  for (const method of ["A", "B"] as const) {
    test(`mqtt.js, MQTT version ${protocolVersion}, method ${method}: no violation, all once in order`, async (t) => {
      const upstream = await start(t, method);
      const client = await connectClient(t, `mqtt://127.0.0.1:${upstream.port}`, { protocolVersion });
      for (const qos of [1, 2] as const) {
        await Promise.all(NUMBERS.map((n) => client.publishAsync(`a/${qos}`, n, { qos })));
      }
      assert.deepEqual(upstream.violations(), []);
      for (const qos of [1, 2] as const) {
        const arrived = upstream.arrivals().filter(({ topic }) => topic === `a/${qos}`);
        assert.deepEqual(
          arrived.map(({ payload }) => payload),
          NUMBERS,
        );
        assert.ok(arrived.every((arrival) => arrival.qos === qos));
      }
    });
  }
}

function bridgeTo(port: number, version: string): string {
  return `max_queued_messages 0
connection up
address 127.0.0.1:${port}
bridge_protocol_version ${version}
cleansession false
notifications false
restart_timeout 1
topic a/# out 2
`;
}

async function sendAll(client: MqttClient): Promise<void> {
  for (const qos of [1, 2] as const) {
    // mosquitto 2.0.11 forgets QoS 2 messages beyond 20 on their way to it.
    for (let i = 0; i < COUNT; i += 10) {
      await Promise.all(NUMBERS.slice(i, i + 10).map((n) => client.publishAsync(`a/${qos}`, n, { qos })));
    }
  }
}

for (const version of ["mqttv311", "mqttv50"]) {
  test(`mosquitto's own bridge, ${version}: no violation, all once in order`, needs("mosquitto"), async (t) => {
    const upstream = await start(t, "A");
    const mosquitto = await startMosquitto(t, bridgeTo(upstream.port, version));
    const client = await connectClient(t, mosquitto.url);
    // What comes while its bridge connects mosquitto may send in another order.
    await client.publishAsync("a/first", "", { qos: 1 });
    await eventually(() => upstream.arrivals().length === 1, "the bridge is up");
    await sendAll(client);
    await eventually(() => upstream.arrivals().length > 2 * COUNT, "all have come over the bridge");
    assert.deepEqual(upstream.violations(), []);
    for (const qos of [1, 2] as const) {
      const arrived = upstream.arrivals().filter(({ topic }) => topic === `a/${qos}`);
      assert.deepEqual(
        arrived.map(({ payload }) => payload),
        NUMBERS,
      );
    }
  });
}

test(
  "mosquitto's own bridge over cuts and kills: redeliveries as the standard has them are not accused",
  needs("mosquitto"),
  async (t) => {
    const upstream = await start(t, "A");
    const link = await openLink(upstream.port);
    t.after(() => link.close());
    const mosquitto = await startMosquitto(t, bridgeTo(link.port, "mqttv311"));
    const client = await connectClient(t, mosquitto.url);
    const different = (): number => new Set(upstream.arrivals().map(({ topic, payload }) => topic + payload)).size;
    const sending = sendAll(client);
    // mosquitto takes its time to connect again: each costs seconds.
    const faults = [() => upstream.end().then(upstream.start), () => link.cutAfter("down", 9, "close")];
    for (const [i, fault] of faults.entries()) {
      const enough = ((i + 1) * 2 * COUNT) / (faults.length + 1);
      await eventually(() => different() >= enough, `${enough} are there`);
      await fault();
    }
    await sending;
    await eventually(() => different() === 2 * COUNT, "all have come over the bridge");
    assert.deepEqual(upstream.violations(), []);
    const exactlyOnce = upstream.arrivals().filter(({ topic }) => topic === "a/2");
    assert.deepEqual(
      exactlyOnce.map(({ payload }) => payload),
      NUMBERS,
    );
  },
);

test("kill -9: what was acknowledged is in the ledger, and the client's session is there again", async (t) => {
  const upstream = await start(t, "B");
  const client = await connectClient(t, `mqtt://127.0.0.1:${upstream.port}`, { clientId: "c", clean: false });
  const acknowledged: string[] = [];
  for (const n of NUMBERS) {
    client.publish("a/2", n, { qos: 2 }, (error) => {
      if (!error) acknowledged.push(n);
    });
  }
  await eventually(() => acknowledged.length >= 100, "some are acknowledged");
  await upstream.end();
  const arrived = upstream.arrivals().map(({ payload }) => payload);
  assert.deepEqual(arrived, NUMBERS.slice(0, arrived.length));
  assert.ok(acknowledged.every((n) => arrived.includes(n)));
  await upstream.start();
  const again = await connectClient(t, `mqtt://127.0.0.1:${upstream.port}`, { clientId: "c", clean: false });
  assert.equal(
    (again as unknown as { connackPacket?: { sessionPresent: boolean } }).connackPacket?.sessionPresent,
    true,
  );
});
