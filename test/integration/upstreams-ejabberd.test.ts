/** What the bridge relies on at ejabberd 23: see docs/upstreams.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { needs } from "../support/peers.js";
import { startEjabberd } from "../support/upstreams/ejabberd.js";
import * as ask from "../support/upstreams/facts.js";

test("an ejabberd cluster", needs("ejabberdctl"), async (t) => {
  const cluster = await startEjabberd();
  t.after(() => cluster.stop());
  const [a, b, c] = cluster.nodes;
  assert.ok(a && b && c);
  const killed = async (): Promise<void> => {
    await a.kill();
    await a.restart();
  };

  await t.test("speaks MQTT 3.1.1 and 5, not 3.1", async (s) => {
    assert.deepEqual(
      [await ask.connack(s, a, 3), await ask.connack(s, a, 4), await ask.connack(s, a, 5)],
      ["1", "0", "0"],
    );
  });

  await t.test("takes any topic as it is", async (s) => {
    for (const topic of ["odd/a b", "odd/a.b", "odd/a*b", "odd/>", "odd//b", "odd/"])
      assert.deepEqual(await ask.topicOf(s, a, topic), ["puback 7", topic]);
  });

  await t.test("keeps what is retained to the node", async (s) => {
    assert.equal(await ask.retains(s, a, a), true);
    assert.equal(await ask.retains(s, a, b), false);
  });

  for (const version of [4, 5] as const) {
    await t.test(`MQTT ${version}: QoS 2 in full, and a PUBREL that is unknown is completed`, async (s) => {
      // Reason 16 of MQTT 5: nobody has subscribed.
      const received = version === 5 ? "pubrec 7 reason 16" : "pubrec 7";
      assert.deepEqual(await ask.qos2(s, a, version), [received, "pubcomp 7"]);
      const unknown = version === 5 ? "pubcomp 999 reason 146" : "pubcomp 999";
      assert.deepEqual(await ask.strayPubrel(s, a, version), [unknown, "pingresp"]);
    });

    await t.test(`MQTT ${version}: a session does not survive its node`, async (s) => {
      const lost = await ask.session(s, { from: a, to: a, meanwhile: killed, version }, c);
      assert.deepEqual(lost, { present: false, arrived: [] });
    });

    await t.test(`MQTT ${version}: QoS 2 taken up after its node was killed is delivered twice`, async (s) => {
      const again = await ask.interruptedQos2(s, { from: a, to: a, meanwhile: killed, version }, c);
      assert.deepEqual(again, { present: false, answers: ["pubrec 7", "pubrec 7", "pubcomp 7"], delivered: 2 });
    });
  }

  // MQTT 3.1.1 is left out: there it fails now and then, and the client id is refused from then on.
  await t.test("MQTT 5: a session follows its client to another node", async (s) => {
    const moved = await ask.session(s, { from: a, to: b, version: 5 }, c);
    assert.deepEqual(moved, { present: true, arrived: ["queued", "later"] });
  });

  await t.test("MQTT 5: QoS 2 taken up at another node is delivered once", async (s) => {
    const moved = await ask.interruptedQos2(s, { from: a, to: b, version: 5 }, c);
    assert.deepEqual(moved, { present: true, answers: ["pubrec 7", "pubrec 7", "pubcomp 7"], delivered: 1 });
  });
});
