import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answers, IncomingMessages } from "../../../../src/bridge/session/incoming.js";
import { memorySessionStore } from "../../../../src/bridge/session/memory.js";
import type { Change, SessionStore } from "../../../../src/bridge/session/session.js";
import type { Message } from "../../../../src/core/message.js";
import { PacketReader, PacketWriter, type PublishPacket } from "../../../../src/protocols/mqtt/index.js";
import { eventually } from "../../../support/eventually.js";

interface Side extends Answers {
  /** `puback 1`, ... */
  readonly said: string[];
  readonly state: { paused: boolean };
}

function side(): Side {
  const said: string[] = [];
  const state = { paused: false };
  const writer = new PacketWriter(4);
  const reader = new PacketReader({
    version: 4,
    maxPacketBytes: 100,
    receive: (packet) => said.push(`${packet.kind} ${"packetId" in packet ? packet.packetId : ""}`),
  });
  const flush = (): void => {
    for (const chunk of writer.take()) reader.push(chunk);
  };
  const pause = (paused: boolean) => () => {
    state.paused = paused;
  };
  return { said, state, writer, flush, pause: pause(true), resume: pause(false) };
}

function publish(packetId: number, qos: 0 | 1 | 2, payload: string | Buffer = `${packetId}`): PublishPacket {
  const common = { kind: "publish", topic: "a", payload: Buffer.from(payload), retain: false, dup: false } as const;
  return qos === 0 ? { ...common, qos } : { ...common, qos, packetId };
}

const pubrel = (packetId: number) => ({ kind: "pubrel", packetId, reasonCode: 0 }) as const;

function incoming(deliver?: (message: Message) => Promise<void>, received: number[] = []) {
  const delivered: string[] = [];
  const recorded: string[] = [];
  const store: SessionStore = {
    ...memorySessionStore(),
    recovered: { ...memorySessionStore().recovered, received: new Set(received) },
    record: async (changes: readonly Change[]) => {
      for (const change of changes) recorded.push("id" in change ? `${change.kind} ${change.id}` : change.kind);
    },
  };
  const take = async (message: Message): Promise<void> => {
    delivered.push(Buffer.from(message.payload).toString());
    await deliver?.(message);
  };
  return { delivered, recorded, store, incoming: new IncomingMessages({ store, deliver: take }) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("each is acknowledged once it was delivered, in order", async () => {
  const held: (() => void)[] = [];
  const rig = incoming(() => new Promise((resolve) => held.push(resolve)));
  const line = side();
  rig.incoming.connected(line, false);
  rig.incoming.take(publish(1, 1));
  rig.incoming.take(publish(2, 2));
  await settled();
  assert.deepEqual([rig.delivered, line.said], [["1"], []]);
  held.shift()?.();
  await settled();
  assert.deepEqual([rig.delivered, line.said], [["1", "2"], ["puback 1"]]);
  held.shift()?.();
  await settled();
  assert.deepEqual([line.said, rig.recorded], [["puback 1", "pubrec 2"], ["received 2"]]);
});

test("QoS 2 is delivered once, also over connections and after a restart", async () => {
  const rig = incoming(undefined, [9]);
  const [first, second] = [side(), side()];
  rig.incoming.connected(first, true);
  for (const packet of [publish(9, 2), publish(2, 2), publish(2, 2)]) rig.incoming.take(packet);
  await settled();
  rig.incoming.disconnected();
  rig.incoming.connected(second, true);
  for (const packet of [publish(2, 2), pubrel(2), pubrel(2), publish(2, 2)]) rig.incoming.take(packet);
  await settled();
  assert.deepEqual(rig.delivered, ["2", "2"], "after PUBREL the id is that of another message");
  assert.deepEqual(first.said, ["pubrec 9", "pubrec 2", "pubrec 2"]);
  assert.deepEqual(second.said, ["pubrec 2", "pubcomp 2", "pubcomp 2", "pubrec 2"]);
  assert.deepEqual(rig.recorded, ["received 2", "completed 2", "received 2"]);
});

test("a delivery that outlasts its session does not swallow another message of the next one", async () => {
  const held: (() => void)[] = [];
  const rig = incoming(() => new Promise((resolve) => held.push(resolve)));
  rig.incoming.connected(side(), true);
  rig.incoming.take(publish(5, 2, "old"));
  await settled();
  rig.incoming.disconnected();
  const line = side();
  rig.incoming.connected(line, false);
  rig.incoming.take(publish(5, 2, "new"));
  held.shift()?.();
  await settled();
  held.shift()?.();
  await settled();
  assert.deepEqual([rig.delivered, line.said], [["old", "new"], ["pubrec 5"]]);
});

test("a store that fails acknowledges nothing", async () => {
  const rig = incoming();
  const line = side();
  const failing = new IncomingMessages({
    store: { ...rig.store, record: () => Promise.reject(new Error("closed")) },
    deliver: async () => {},
  });
  failing.connected(line, false);
  failing.take(publish(1, 2));
  failing.take(publish(2, 1));
  await settled();
  assert.deepEqual(line.said, ["puback 2"]);
});

test("a flood is not read on while deliveries are slow, over connections too, and is when they are done", async () => {
  const held: (() => void)[] = [];
  const rig = incoming(() => new Promise((resolve) => held.push(resolve)));
  const [first, second] = [side(), side()];
  rig.incoming.connected(first, false);
  // All of one read come in spite of the pause.
  for (let n = 1; n <= 400; n++) rig.incoming.take(publish(n, 0));
  assert.ok(first.state.paused);
  rig.incoming.disconnected();
  rig.incoming.connected(second, true);
  assert.ok(second.state.paused, "what waits is no less on a new connection");
  await eventually(() => {
    held.shift()?.();
    return rig.delivered.length === 400;
  }, "all are delivered");
  held.shift()?.();
  await settled();
  assert.ok(!second.state.paused);
});

test("few large ones are a flood as well", async () => {
  const rig = incoming(() => new Promise(() => {}));
  const line = side();
  rig.incoming.connected(line, false);
  rig.incoming.take(publish(1, 0, Buffer.alloc(600_000)));
  assert.ok(!line.state.paused);
  rig.incoming.take(publish(2, 0, Buffer.alloc(600_000)));
  assert.ok(line.state.paused);
});
