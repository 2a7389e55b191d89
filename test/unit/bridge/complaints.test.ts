import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet } from "mqtt-packet";
import { eventually } from "../../support/eventually.js";
import { openLink } from "../../support/link.js";
import { memoryOutbox, message, OUT_ONLY, rig } from "./rig.js";
import { answer, connack, playUpstream, type Script } from "./scripted.js";

/** What people complain about with other bridges, each with the issue where they did. */

const QUIET = { rules: OUT_ONLY, statusTopic: "elsewhere", protocol: 5 } as const;

/** Finds the session of each client that comes again. */
const keeping: Script = (packet, peer) => {
  if (packet.cmd !== "connect") return false;
  peer.send(connack(packet, packet.clean !== true));
  return true;
};

test("mosquitto#3400: what is sent into a half-dead connection arrives once the link is back", async (t) => {
  const upstream = await playUpstream(t, keeping);
  const link = await openLink(upstream.port);
  t.after(() => link.close());
  const { bridge, outbox } = rig(t, { urls: [`tcp://127.0.0.1:${link.port}`] }, { ...QUIET, timeout: 100 });
  await eventually(() => bridge.state.server !== undefined, "connected");
  link.cut("freeze");
  for (let n = 0; n < 50; n++) await bridge.offer(message("weir/a/n", `${n}`));
  assert.equal(outbox.depth.messages, 50);
  await eventually(() => outbox.depth.messages === 0, "all are carried");
  assert.deepEqual(
    [...new Set(upstream.all("publish").map(({ payload }) => String(payload)))],
    Array.from({ length: 50 }, (_, n) => `${n}`),
  );
});

test("nanomq#2432: what was not acknowledged is kept", async (t) => {
  const upstream = await playUpstream(t, (packet) => packet.cmd === "publish");
  const { bridge, outbox } = rig(t, upstream, QUIET);
  for (const qos of [1, 2] as const) await bridge.offer(message("weir/a/n", "x", { qos }));
  await eventually(() => upstream.all("publish").length === 2, "they are at the upstream");
  await upstream.close();
  await eventually(() => bridge.state.server === undefined, "it is gone");
  assert.equal(outbox.depth.messages, 2);
});

test("mosquitto#3275, #2165: after a reconnect PUBREL goes, and the message does not go again", async (t) => {
  const upstream = await playUpstream(t, (packet, peer) => {
    if (packet.cmd !== "pubrel" || peer.number > 2) return keeping(packet, peer);
    peer.destroy();
    return true;
  });
  const { bridge, outbox } = rig(t, upstream, QUIET);
  await bridge.offer(message("weir/a/n", "x", { qos: 2 }));
  await eventually(() => outbox.depth.messages === 0, "it comes to its end");
  assert.equal(upstream.all("publish").length, 1);
  assert.equal(upstream.all("pubrel").length, 2);
});

test("mosquitto#2176, #2256: one acknowledgement that never comes does not stall the bridge", async (t) => {
  let swallowed = 0;
  const upstream = await playUpstream(t, (packet, peer) => {
    if (packet.cmd !== "publish" || String(packet.payload) !== "3" || swallowed > 0) return keeping(packet, peer);
    swallowed += 1;
    return true;
  });
  const { bridge, outbox } = rig(t, upstream, { ...QUIET, window: 5, timeout: 100 });
  const steady = setInterval(() => void bridge.offer(message("weir/a/n", "steady")), 20);
  t.after(() => clearInterval(steady));
  for (let n = 0; n < 20; n++) await bridge.offer(message("weir/a/n", `${n}`));
  await eventually(
    () => upstream.all("publish").filter(({ payload }) => String(payload) === "3").length === 2,
    "again",
  );
  clearInterval(steady);
  await eventually(() => outbox.depth.messages === 0, "the line is free");
});

test("mosquitto#3002, thingsboard-gateway#1483: a queue that was full takes messages again", async (t) => {
  const outbox = memoryOutbox({ maxMessages: 5 });
  const first = await playUpstream(t);
  await first.close();
  const { bridge } = rig(t, first, { ...QUIET, outboxes: [outbox] });
  for (let n = 0; n < 5; n++) await bridge.offer(message("weir/a/n", `${n}`));
  await assert.rejects(async () => bridge.offer(message("weir/a/n", "5")), { code: "OUTBOX_FULL" });
  const second = await playUpstream(t, undefined, first.port);
  await eventually(() => outbox.depth.messages === 0, "it drains by itself");
  await bridge.offer(message("weir/a/n", "6"));
  await eventually(() => outbox.depth.messages === 0, "and goes on");
  assert.deepEqual(
    second.all("publish").map(({ payload }) => String(payload)),
    ["0", "1", "2", "3", "4", "6"],
  );
});

test("MQTT.js#2015: nothing is lost when the link goes again and again while what waited is sent again", async (t) => {
  const taken: string[] = [];
  const upstream = await playUpstream(t, (packet, peer) => {
    if (packet.cmd === "publish") {
      taken.push(String(packet.payload));
      answer(packet, peer);
      if (taken.length % 7 === 0) peer.destroy();
      return true;
    }
    return keeping(packet, peer);
  });
  const { bridge, outbox } = rig(t, upstream, { ...QUIET, pause: () => 1 });
  for (let n = 0; n < 100; n++) await bridge.offer(message("weir/a/n", `${n}`));
  await eventually(() => outbox.depth.messages === 0, "all are carried");
  assert.deepEqual(
    [...new Set(taken)],
    Array.from({ length: 100 }, (_, n) => `${n}`),
  );
});

test("what only a server may do wrong ends its connection, and no other is tried in a hurry", async (t) => {
  const wrong = [
    (connack: Packet) => [connack, connack],
    (connack: Packet) => [connack, Buffer.from("garbage")],
    (): Packet[] => [{ cmd: "pingresp" }],
    // 256 MB are to come; a wildcard in a topic; shutting down.
    (connack: Packet) => [connack, Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])],
    (connack: Packet) => [connack, Buffer.from([0x30, 6, 0, 3, 0x61, 0x2f, 0x23, 0])],
    (connack: Packet): Packet[] => [connack, { cmd: "disconnect", reasonCode: 0x8b }],
    // A topic alias, though none was allowed.
    (connack: Packet) => [connack, Buffer.from([0x30, 7, 0, 1, 0x61, 3, 0x23, 0, 1])],
  ];
  for (const greeting of wrong) {
    const upstream = await playUpstream(t, (packet, peer) => {
      if (packet.cmd !== "connect" || upstream.own.length >= 3) return false;
      peer.send(...greeting(connack(packet)));
      return true;
    });
    const { bridge, outbox } = rig(t, upstream, { ...QUIET, timeout: 100 });
    await bridge.offer(message("weir/a/n", "1"));
    await eventually(() => outbox.depth.messages === 0, "it is carried by a later connection");
    assert.ok(upstream.peers.length <= 4, `${upstream.peers.length} connections`);
    await bridge.close(0);
  }
});

test("a rule for both directions: what comes back is not told again, also after an outage, and others' messages are", async (t) => {
  const both = [{ ...(OUT_ONLY[0] ?? assert.fail()), direction: "both" }] as const;
  const echoing: Script = (packet, peer) => {
    if (packet.cmd === "publish" && packet.topic.startsWith("site/a")) {
      const { topic, payload } = packet;
      peer.send({ cmd: "publish", topic, payload, qos: 0, retain: false, dup: false });
    }
    return false;
  };
  const upstream = await playUpstream(t, echoing);
  const outbox = memoryOutbox({ maxMessages: 1 });
  await upstream.close();
  const { bridge, delivered } = rig(t, upstream, { ...QUIET, protocol: 4, rules: both, outboxes: [outbox] });
  await bridge.offer(message("weir/a/n", "1"));
  // Refused, so that it never goes up: the same from somebody else is none of ours.
  await assert.rejects(async () => bridge.offer(message("weir/a/n", "theirs")), { code: "OUTBOX_FULL" });
  const again = await playUpstream(t, echoing, upstream.port);
  await eventually(() => outbox.depth.messages === 0, "it goes up, and comes back");
  again.own.at(-1)?.send({
    ...{ cmd: "publish", topic: "site/a/n", payload: "theirs", qos: 0, retain: false, dup: false },
  });
  await eventually(() => delivered.length > 0, "theirs comes down");
  assert.deepEqual(
    delivered.map(({ payload }) => Buffer.from(payload).toString()),
    ["theirs"],
  );
});
