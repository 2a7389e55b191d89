/** What the bridge relies on at NATS 2.9 with JetStream: see docs/upstreams.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { needs } from "../support/peers.js";
import * as ask from "../support/upstreams/facts.js";
import { startNats } from "../support/upstreams/nats.js";

test("a NATS cluster", needs("nats-server"), async (t) => {
  const cluster = await startNats();
  t.after(() => cluster.stop());
  const [a, b, c] = cluster.nodes;
  assert.ok(a && b && c);
  const killed = async (): Promise<void> => {
    await a.kill();
    await a.restart();
  };

  await t.test("speaks MQTT 3.1.1 only", async (s) => {
    const answers = [await ask.connack(s, a, 3), await ask.connack(s, a, 4), await ask.connack(s, a, 5)];
    assert.deepEqual(answers, ["closed", "0", "1"]);
  });

  await t.test("closes the connection for QoS 2, and for a PUBREL", async (s) => {
    assert.deepEqual(await ask.qos2(s, a), ["closed"]);
    assert.deepEqual(await ask.strayPubrel(s, a), ["closed", "closed"]);
  });

  await t.test("closes the connection for a space and for a dot in a topic", async (s) => {
    for (const topic of ["odd/a b", "odd/a.b"]) assert.deepEqual(await ask.topicOf(s, a, topic), ["closed"]);
    for (const topic of ["odd/é", "odd//b", "odd/"])
      assert.deepEqual(await ask.topicOf(s, a, topic), ["puback 7", topic]);
  });

  await t.test("has what is retained on all nodes", async (s) => {
    assert.equal(await ask.retains(s, a, b), true);
  });

  await t.test("a session follows its client to another node", async (s) => {
    const moved = await ask.session(s, { from: a, to: b }, c);
    assert.deepEqual(moved, { present: true, arrived: ["queued", "later"] });
  });

  await t.test("a session survives its node", async (s) => {
    const kept = await ask.session(s, { from: a, to: a, meanwhile: killed }, c);
    assert.deepEqual(kept, { present: true, arrived: ["queued", "later"] });
  });

  await t.test("the older of two clients with one id is closed, also from another node", async (s) => {
    assert.deepEqual(await ask.sameClientId(s, a, a), ["closed", "silence"]);
    assert.deepEqual(await ask.sameClientId(s, a, b), ["closed", "silence"]);
  });
});
