import { test } from "node:test";
import { needs } from "../support/peers.js";
import { carriesAll, freezeAndThaw, killAndRestart, nothing } from "../support/upstreams/bridged.js";
import { startNats } from "../support/upstreams/nats.js";

test("the bridge to one node of a NATS cluster", needs("nats-server"), async (t) => {
  const cluster = await startNats();
  t.after(() => cluster.stop());
  await t.test("carries 2,000 messages at QoS 1", (s) => carriesAll(s, cluster, nothing));
  await t.test("carries all while its node freezes and thaws", (s) => carriesAll(s, cluster, freezeAndThaw));
  await t.test("carries all while its node is killed and restarted", (s) => carriesAll(s, cluster, killAndRestart));
});
