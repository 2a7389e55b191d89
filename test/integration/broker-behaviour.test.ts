/** What takes more than bytes in their order: slow admission, a slow store, clients that wait for each other, time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "../../src/broker/store/memory.js";
import type { Store } from "../../src/broker/store/store.js";
import { startBroker } from "../support/broker.js";
import { eventually } from "../support/eventually.js";
import { connectPacket, openWire, publishPacket, subscribePacket } from "../support/wire.js";
import { decode } from "../unit/protocols/mqtt/bytes.js";

/** A store that is done only when it is told to. */
function slowStore(): { store: Store; flush(): void } {
  let waiting: (() => void)[] = [];
  const store: Store = { ...memoryStore(), stored: (done) => void waiting.push(done) };
  return {
    store,
    flush: () => {
      for (let rounds = 0; rounds < 10 && waiting.length > 0; rounds++) {
        const now = waiting;
        waiting = [];
        for (const done of now) done();
      }
    },
  };
}

const kept = (id: string): string => connectPacket(4, id, { clean: false });

test("a QoS 2 message that is sent again on another connection while it is being admitted is taken once", async (t) => {
  const admitted: string[] = [];
  let admit = (): void => {};
  const broker = await startBroker(t, {
    admit: ({ topic }) => {
      admitted.push(topic);
      return new Promise<void>((resolve) => {
        admit = resolve;
      });
    },
  });
  const subscriber = await openWire(t, broker.port);
  subscriber.send(connectPacket(4, "s"), subscribePacket(4, 1, "a"));
  await subscriber.expect("20 02 00 00 90 03 00 01 00");
  const first = await openWire(t, broker.port);
  first.send(kept("a"), publishPacket(4, "34", "a", "1", 7));
  await first.expect("20 02 00 00");
  await eventually(() => admitted.length === 1, "it is being admitted");
  await first.drop();
  const second = await openWire(t, broker.port);
  second.send(kept("a"), publishPacket(4, "3C", "a", "1", 7));
  await second.expect("20 02 01 00");
  await second.quiet();
  admit();
  await second.expect("50 02 00 07");
  second.send("62 02 00 07");
  await second.expect("70 02 00 07");
  await subscriber.expect(publishPacket(4, "30", "a", "1"));
  await subscriber.quiet();
  assert.deepEqual(admitted, ["a"]);
});

test("one that is refused then is refused on the connection on which it came last", async (t) => {
  let refuse = (_: Error): void => {};
  const broker = await startBroker(t, {
    admit: () =>
      new Promise<void>((_, reject) => {
        refuse = reject;
      }),
  });
  const properties = "11 00 00 00 64";
  const first = await openWire(t, broker.port);
  first.send(connectPacket(5, "a", { properties }), publishPacket(5, "34", "a", "1", 7));
  await eventually(() => first.pending.length > 0, "it is let in");
  await first.drop();
  const second = await openWire(t, broker.port);
  second.send(connectPacket(5, "a", { clean: false, properties }), publishPacket(5, "3C", "a", "1", 7));
  await eventually(() => second.pending.length >= 11, "it is let in");
  await second.expect(second.pending.toString("hex"));
  await second.quiet();
  refuse(new Error("full"));
  await second.expect("50 03 00 07 97");
});

test("nothing is promised before it is stored: SUBACK, PUBACK, PUBREC, PUBCOMP, UNSUBACK, and what is sent", async (t) => {
  const { store, flush } = slowStore();
  const broker = await startBroker(t, { openStore: async () => store });
  const wire = await openWire(t, broker.port);
  wire.send(kept("a"));
  await wire.expect("20 02 00 00");
  for (const [sent, answer] of [
    [subscribePacket(4, 1, "x", "01"), "90 03 00 01 01"],
    [publishPacket(4, "32", "a", "1", 2), "40 02 00 02"],
    [publishPacket(4, "34", "a", "1", 3), "50 02 00 03"],
    ["62 02 00 03", "70 02 00 03"],
    ["A2 05 00 04 00 01 'y'", "B0 02 00 04"],
    [publishPacket(4, "30", "x", "q0"), publishPacket(4, "30", "x", "q0")],
  ] as const) {
    wire.send(sent);
    if (!sent.startsWith("30")) await wire.quiet();
    flush();
    await wire.expect(answer);
  }
  const other = await openWire(t, broker.port);
  other.send(connectPacket(4, "b"), publishPacket(4, "32", "x", "1", 1));
  await other.expect("20 02 00 00");
  await other.quiet();
  await wire.quiet();
  flush();
  await wire.expect(publishPacket(4, "32", "x", "1", 1));
  await other.expect("40 02 00 01");
});

test("3.1.1: a slow store makes a publisher wait, and cuts nobody off", async (t) => {
  const { store, flush } = slowStore();
  const broker = await startBroker(t, { openStore: async () => store, limits: { receiveMaximum: 10 } });
  const wire = await openWire(t, broker.port);
  wire.send(connectPacket(4, "a"));
  await wire.expect("20 02 00 00");
  const ids = Array.from({ length: 500 }, (_, n) => n + 1);
  wire.send(...ids.map((id) => publishPacket(4, "32", "a", "1", id)));
  const flushing = setInterval(flush, 5);
  t.after(() => clearInterval(flushing));
  await wire.expect(ids.map((id) => `40 02 ${id.toString(16).padStart(4, "0")}`).join(" "));
  clearInterval(flushing);
  assert.equal(wire.ended, false);
});

test("who waited for a slow subscriber is not taken for silent", async (t) => {
  const events: string[] = [];
  const broker = await startBroker(t, {
    limits: { patience: 2_500, queue: { messages: 10, size: 100_000, whenFull: "drop-oldest" }, inFlight: 1 },
    journal: ({ event, message }) => void events.push(`${event} ${message}`),
  });
  const slow = await openWire(t, broker.port);
  slow.send(connectPacket(4, "slow", { clean: false }), subscribePacket(4, 1, "a", "01"));
  await slow.expect("20 02 00 00 90 03 00 01 01");
  const publisher = await openWire(t, broker.port);
  publisher.send(connectPacket(4, "p", { keepAlive: 1 }));
  await publisher.expect("20 02 00 00");
  publisher.send(...Array.from({ length: 8 }, (_, n) => publishPacket(4, "32", "a", "1", n + 1)));
  // Nobody acknowledges, so that it is not read from until patience ends; it pings as it should all the while.
  const pinging = setInterval(() => publisher.send("C0 00"), 400);
  t.after(() => clearInterval(pinging));
  await eventually(() => events.some((each) => each.startsWith("client_slow")), "patience has ended");
  const before = publisher.pending.length;
  await eventually(() => publisher.pending.length > before + 8, "it is read from again");
  assert.equal(publisher.ended, false, events.join("\n"));
});

test("a subscriber that takes something all the time is not cut off, one that takes nothing is", async (t) => {
  const ended: string[] = [];
  const broker = await startBroker(t, {
    limits: { patience: 100, queue: { messages: 10, size: 100_000, whenFull: "drop-oldest" }, inFlight: 1 },
    journal: ({ event, message }) => {
      if (event === "client_error") ended.push(message);
    },
  });
  const [slow, dead] = [await openWire(t, broker.port), await openWire(t, broker.port)];
  for (const [wire, id] of [
    [slow, "slow"],
    [dead, "dead"],
  ] as const) {
    wire.send(connectPacket(4, id, { clean: false }), subscribePacket(4, 1, "a", "01"));
    await wire.expect("20 02 00 00 90 03 00 01 01");
  }
  const publishing = setInterval(() => {
    for (let n = 0; n < 4; n++) void broker.publish({ topic: "a", payload: Buffer.from("1"), qos: 1, retain: false });
  }, 20);
  t.after(() => clearInterval(publishing));
  // It answers one message at a time, far fewer than come.
  const began = Date.now();
  let answered = 0;
  while (Date.now() - began < 2_500) {
    await eventually(() => slow.pending.length >= 8, "the next comes");
    const id = slow.pending.subarray(5, 7).toString("hex");
    await slow.expect(slow.pending.subarray(0, 8).toString("hex"));
    await new Promise((resolve) => setTimeout(resolve, 60));
    slow.send(`40 02 ${id}`);
    answered++;
  }
  assert.ok(answered > 10);
  assert.equal(slow.ended, false);
  await eventually(() => dead.ended, "the other is cut off");
  assert.ok(
    ended.every((each) => each.includes("client dead")),
    ended.join("\n"),
  );
});

test("many retained messages reach a client that acknowledges them, however small its window and its queue", async (t) => {
  const broker = await startBroker(t, {
    limits: { inFlight: 5, queue: { messages: 20, size: 1_000_000, whenFull: "drop-oldest" } },
  });
  const wanted = new Set<string>();
  for (let n = 0; n < 500; n++) {
    const topic = `r/${n.toString().padStart(3, "0")}`;
    wanted.add(topic);
    await broker.publish({ topic, payload: Buffer.from("1"), qos: 1, retain: true });
  }
  const wire = await openWire(t, broker.port);
  wire.send(connectPacket(4, "a"), subscribePacket(4, 1, "r/+", "01"));
  await wire.expect("20 02 00 00 90 03 00 01 01");
  while (wanted.size > 0) {
    await eventually(() => wire.pending.length >= 12 || wire.ended, "the next comes", 5_000);
    const packet = wire.pending.subarray(0, 12);
    wanted.delete(packet.subarray(4, 9).toString());
    const id = packet.subarray(9, 11).toString("hex");
    await wire.expect(packet.toString("hex"));
    wire.send(`40 02 ${id}`);
  }
  assert.equal(broker.stats.publishDropped, 0);
});

test("after UNSUBSCRIBE no more retained messages come", async (t) => {
  const broker = await startBroker(t, {
    limits: { inFlight: 1, queue: { messages: 4, size: 100_000, whenFull: "drop-newest" } },
  });
  for (let n = 0; n < 300; n++)
    await broker.publish({ topic: `r/${n}`, payload: Buffer.from("1"), qos: 1, retain: true });
  const wire = await openWire(t, broker.port);
  wire.send(connectPacket(4, "a"), subscribePacket(4, 1, "r/+", "01"), "A2 07 00 02 00 03 'r/+'");
  let got = 0;
  for (let rounds = 0; rounds < 20; rounds++) {
    wire.send("C0 00");
    await eventually(() => wire.pending.indexOf(Buffer.from([0xd0, 0])) !== -1, "the ping is answered");
    const packets = decode(4, wire.pending);
    await wire.expect(wire.pending.toString("hex"));
    for (const packet of packets) {
      if (packet.kind !== "publish" || packet.qos === 0) continue;
      got++;
      wire.send(`40 02 ${packet.packetId.toString(16).padStart(4, "0")}`);
    }
  }
  assert.ok(got > 0 && got < 10, `${got} came`);
});
