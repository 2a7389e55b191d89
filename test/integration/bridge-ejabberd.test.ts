import assert from "node:assert/strict";
import { test } from "node:test";
import { needs } from "../support/peers.js";
import { carriesAll, frozen, killed, nothing } from "../support/upstreams/bridged.js";
import { startEjabberd } from "../support/upstreams/ejabberd.js";

test("the bridge to the nodes of an ejabberd cluster", needs("ejabberdctl"), async (t) => {
  const cluster = await startEjabberd();
  t.after(() => cluster.stop());
  for (const qos of [1, 2] as const)
    await t.test(`carries 2,000 messages at QoS ${qos}, each once`, async (s) =>
      assert.equal(await carriesAll(s, cluster, nothing, { qos, protocol: 5 }), 0),
    );
  await t.test("loses nothing when its node freezes for a while", async (s) => {
    s.diagnostic(`${await carriesAll(s, cluster, frozen, { qos: 2, protocol: 5 })} arrived more than once`);
  });
  // Its sessions die with their node, so that QoS 2 cannot be exactly once there.
  await t.test("moves to another node when its node is killed, and loses nothing", async (s) => {
    s.diagnostic(`${await carriesAll(s, cluster, killed, { qos: 2, protocol: 5 })} arrived more than once`);
  });
});
