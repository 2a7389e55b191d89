import assert from "node:assert/strict";
import { test } from "node:test";
import { needs } from "../support/peers.js";
import { carriesAll, frozen, killed, nothing } from "../support/upstreams/bridged.js";
import { startRabbit } from "../support/upstreams/rabbit.js";

test("the bridge to the nodes of a RabbitMQ cluster", needs("rabbitmq-server"), async (t) => {
  const cluster = await startRabbit();
  t.after(() => cluster.stop());
  await t.test("carries 2,000 messages at QoS 1, each once", async (s) =>
    assert.equal(await carriesAll(s, cluster, nothing), 0),
  );
  await t.test("carries QoS 2 as QoS 1, which is what the upstream can do", async (s) => {
    await carriesAll(s, cluster, nothing, { qos: 2, protocol: 4 });
  });
  await t.test("loses nothing when its node freezes for a while", async (s) => {
    s.diagnostic(`${await carriesAll(s, cluster, frozen)} arrived more than once`);
  });
  await t.test("moves to another node when its node is killed, and loses nothing", async (s) => {
    s.diagnostic(`${await carriesAll(s, cluster, killed)} arrived more than once`);
  });
});
