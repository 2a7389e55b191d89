/** What the bridge relies on at mosquitto 2.0.11: see docs/upstreams.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { needs } from "../support/peers.js";
import * as ask from "../support/upstreams/facts.js";
import { startPersistentMosquitto } from "../support/upstreams/mosquitto.js";

test("a mosquitto that keeps its state", needs("mosquitto"), async (t) => {
  const { nodes, stop } = await startPersistentMosquitto();
  t.after(stop);
  const [a] = nodes;
  assert.ok(a);

  await t.test("speaks all versions", async (s) => {
    for (const version of [3, 4, 5] as const) assert.equal(await ask.connack(s, a, version), "0");
  });

  await t.test("takes any topic as it is", async (s) => {
    for (const topic of ["odd/a b", "odd/a.b", "odd/a*b", "odd/>", "odd//b", "odd/"])
      assert.deepEqual(await ask.topicOf(s, a, topic), ["puback 7", topic]);
  });

  for (const version of [4, 5] as const) {
    await t.test(`MQTT ${version}: QoS 2 in full, and a PUBREL that is unknown is completed`, async (s) => {
      const [received, completed] = await ask.qos2(s, a, version);
      // Reason 16 of MQTT 5: nobody has subscribed.
      assert.match(received ?? "", /^pubrec 7( reason 16)?$/);
      assert.equal(completed, "pubcomp 7");
      assert.deepEqual(await ask.strayPubrel(s, a, version), ["pubcomp 999", "pingresp"]);
    });

    await t.test(`MQTT ${version}: a session is there again`, async (s) => {
      const again = await ask.session(s, { from: a, to: a, version }, a);
      assert.deepEqual(again, { present: true, arrived: ["queued", "later"] });
    });

    await t.test(`MQTT ${version}: QoS 2 taken up again is delivered once`, async (s) => {
      const again = await ask.interruptedQos2(s, { from: a, to: a, version }, a);
      assert.deepEqual(again, { present: true, answers: ["pubrec 7", "pubrec 7", "pubcomp 7"], delivered: 1 });
    });
  }

  await t.test("the older of two clients with one id is closed", async (s) => {
    assert.deepEqual(await ask.sameClientId(s, a, a), ["closed", "silence"]);
  });
});
