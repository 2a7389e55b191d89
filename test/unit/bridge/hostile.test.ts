import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet } from "mqtt-packet";
import { eventually } from "../../support/eventually.js";
import { type Random, seeded } from "../../support/random.js";
import { memoryOutbox, message, OUT_ONLY, rig } from "./rig.js";
import { answer, connack, type Peer, playUpstream, type Script } from "./scripted.js";

/** Keeps sessions as a server should, save that it does what it likes with a part of the packets. */
function moody(random: Random, calm: () => boolean): Script {
  const tricks: ((packet: Packet, peer: Peer) => void)[] = [
    () => {},
    (_, peer) => peer.destroy(),
    (_, peer) => peer.end(),
    (_, peer) => peer.send(Buffer.from([0x40, 2, 0, 0])),
    (_, peer) => peer.send({ cmd: "puback", messageId: random.between(1, 50) }),
    (_, peer) => peer.send({ cmd: "pubrec", messageId: random.between(1, 50) }),
    (_, peer) => peer.send({ cmd: "pubcomp", messageId: random.between(1, 50) }),
    (packet, peer) => {
      answer(packet, peer);
      answer(packet, peer);
    },
    (_, peer) => peer.send({ cmd: "pingresp" }, { cmd: "pubrel", messageId: 7 }),
    (_, peer) =>
      peer.send({ cmd: "publish", topic: "x", payload: "y", qos: 2, messageId: 9, dup: false, retain: false }),
    (_, peer) => peer.pause(),
  ];
  return (packet, peer) => {
    if (packet.cmd === "connect" && (calm() || random.chance(0.8))) {
      const properties = { receiveMaximum: random.between(1, 20), topicAliasMaximum: 2, serverKeepAlive: 1 };
      const rest = packet.protocolVersion === 5 ? { properties } : {};
      peer.send(connack(packet, packet.clean !== true && random.chance(0.8), rest));
      return true;
    }
    if (calm() || !random.chance(0.1)) return false;
    tricks[random.between(0, tricks.length - 1)]?.(packet, peer);
    return true;
  };
}

test("an upstream in every mood: the bridge lives, and carries all once it has calmed down", async (t) => {
  for (const [seed, protocol] of [
    [1, 4],
    [2, 5],
    [3, 4],
    [4, 5],
  ] as const) {
    let calm = false;
    const upstream = await playUpstream(
      t,
      moody(seeded(seed), () => calm),
    );
    const outboxes = [memoryOutbox(), memoryOutbox()] as const;
    const [rule] = OUT_ONLY;
    const rules = [{ ...(rule ?? assert.fail()), filter: "high/#", priority: "high" }, ...OUT_ONLY] as const;
    const { bridge } = rig(t, upstream, {
      ...{ rules, protocol, outboxes, timeout: 100, keepAlive: 1_000, pause: () => 2 },
    });
    const until = performance.now() + 700;
    for (let n = 0; performance.now() < until; n++) {
      const qos = ([0, 1, 2] as const)[n % 3] ?? 0;
      await bridge.offer(message(n % 7 === 0 ? "weir/high/n" : `weir/a/${n % 5}`, `${n}`, { qos }));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    calm = true;
    await eventually(() => outboxes.every(({ depth }) => depth.messages === 0), `seed ${seed} is carried`);
    await bridge.close(0);
  }
});
