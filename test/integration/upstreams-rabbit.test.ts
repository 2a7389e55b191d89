/** What the bridge relies on at RabbitMQ 3.10 with rabbitmq_mqtt: see docs/upstreams.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { needs } from "../support/peers.js";
import * as ask from "../support/upstreams/facts.js";
import { startRabbit } from "../support/upstreams/rabbit.js";

test("a RabbitMQ cluster", needs("rabbitmq-server"), async (t) => {
  const cluster = await startRabbit();
  t.after(() => cluster.stop());
  const [a, b, c] = cluster.nodes;
  assert.ok(a && b && c);
  const killed = async (): Promise<void> => {
    await a.kill();
    await a.restart();
  };

  await t.test("speaks MQTT 3.1 and 3.1.1, and closes the connection for 5", async (s) => {
    const answers = [await ask.connack(s, a, 3), await ask.connack(s, a, 4), await ask.connack(s, a, 5)];
    assert.deepEqual(answers, ["0", "0", "closed"]);
  });

  await t.test("answers QoS 2 with PUBACK, and delivers it twice when it is sent twice", async (s) => {
    assert.deepEqual(await ask.qos2(s, a), ["puback 7"]);
    const moved = await ask.interruptedQos2(s, { from: a, to: b }, c);
    assert.deepEqual(moved, { present: false, answers: ["puback 7", "puback 7"], delivered: 2 });
  });

  await t.test("does not answer a PUBREL, nor anything after it", async (s) => {
    assert.deepEqual(await ask.strayPubrel(s, a), ["silence", "silence"]);
  });

  await t.test("changes topics: dots become levels, asterisks plus signs", async (s) => {
    assert.deepEqual(await ask.topicOf(s, a, "odd/a b"), ["puback 7", "odd/a b"]);
    assert.deepEqual(await ask.topicOf(s, a, "odd/a.b"), ["puback 7", "odd/a/b"]);
    assert.deepEqual(await ask.topicOf(s, a, "odd/>"), ["puback 7", "odd/>"]);
  });

  await t.test("keeps what is retained to the node", async (s) => {
    assert.equal(await ask.retains(s, a, a), true);
    assert.equal(await ask.retains(s, a, b), false);
  });

  await t.test("a session with a subscription follows its client to another node", async (s) => {
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
