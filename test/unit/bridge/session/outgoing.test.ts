import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { singleFeed } from "../../../../src/bridge/session/feed.js";
import { Pace } from "../../../../src/bridge/session/pace.js";
import { packetIdOf } from "../../../../src/bridge/session/packet-id.js";
import type { Outbox } from "../../../../src/outbox/outbox.js";
import { eventually } from "../../../support/eventually.js";
import { ack, FOUR, fakeLine, five, outgoing, settled } from "./line.js";
import { messageOf } from "./pure.js";

const id = (sequence: number, lane: 0 | 1 = 0): number => packetIdOf(lane, sequence);

test("QoS 2: PUBREL waits until it is noted that PUBREC came", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  const line = fakeLine();
  out.connected(line, FOUR, false);
  await normal.append(messageOf("a", 2));
  await settled();
  out.acknowledged(ack("pubrec", id(1)));
  assert.deepEqual(line.said, [`publish ${id(1)} a`]);
  await settled();
  assert.deepEqual(seen.recorded, [{ kind: "handedOver", lane: 0, first: 1, last: 1 }]);
  assert.deepEqual(line.said.slice(1), [`pubrel ${id(1)}`]);
  out.acknowledged(ack("pubcomp", id(1)));
  assert.equal(normal.depth.messages, 0);
});

test("what was answered before it had its turn to be sent again is not sent, and takes no room in the window", async () => {
  const { outgoing: out, normal } = outgoing({ window: 400 });
  const first = fakeLine();
  out.connected(first, FOUR, false);
  for (let n = 1; n <= 400; n++) await normal.append(messageOf(`${n}`));
  await eventually(() => first.said.length === 400, "all are sent");
  out.disconnected(false);
  const second = fakeLine();
  second.state.writable = false;
  out.connected(second, FOUR, true);
  for (let n = 1; n <= 400; n++) out.acknowledged(ack("puback", id(n)));
  assert.equal(normal.depth.messages, 0);
  for (let n = 401; n <= 800; n++) await normal.append(messageOf(`${n}`));
  second.state.writable = true;
  for (let turns = 0; turns < 5; turns++) {
    out.pump();
    await settled();
  }
  assert.deepEqual(
    second.said,
    Array.from({ length: 400 }, (_, n) => `publish ${id(n + 401)} ${n + 401}`),
    "the whole window is there for new ones",
  );
});

test("one that is noted between two connections gets one PUBREL on the second, and its place in the window once", async () => {
  const { outgoing: out, normal } = outgoing({ window: 1 });
  out.connected(fakeLine(), FOUR, false);
  await normal.append(messageOf("a", 2));
  await settled();
  out.acknowledged(ack("pubrec", id(1)));
  out.disconnected(false);
  const line = fakeLine();
  line.state.writable = false;
  out.connected(line, FOUR, true);
  await settled();
  line.state.writable = true;
  out.pump();
  await settled();
  assert.deepEqual(line.said, [`pubrel ${id(1)}`]);
  out.acknowledged(ack("pubcomp", id(1)));
  await normal.append(messageOf("b", 2));
  await settled();
  assert.deepEqual(line.said.slice(1), [`publish ${id(2)} b`]);
});

test("a session that is lost: what had not come to its end is sent as new, PUBREC or not", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  out.connected(fakeLine(), FOUR, false);
  for (const payload of ["a", "b"]) await normal.append(messageOf(payload, 2));
  await settled();
  out.acknowledged(ack("pubrec", id(1)));
  await settled();
  out.disconnected(false);
  const line = fakeLine();
  out.connected(line, FOUR, false);
  await settled();
  assert.deepEqual(line.said, [`publish ${id(1)} a`, `publish ${id(2)} b`]);
  assert.equal(seen.again, 2);
  for (const n of [1, 2]) out.acknowledged(ack("pubrec", id(n)));
  await settled();
  for (const n of [1, 2]) out.acknowledged(ack("pubcomp", id(n)));
  assert.equal(normal.depth.messages, 0);
});

test("noted in a life before this one: PUBREL alone, unless the session is another", async () => {
  for (const present of [true, false]) {
    const handedOver = [[{ first: 1, last: 1 }], []] as const;
    const { outgoing: out, normal } = outgoing({}, { handedOver });
    await normal.append(messageOf("a", 2));
    const line = fakeLine();
    out.connected(line, FOUR, present);
    await settled();
    assert.deepEqual(line.said, [present ? `pubrel ${id(1)}` : `publish ${id(1)} a`]);
  }
});

test("what was sent in a life before this one and is gone: the upstream gets its PUBREL, so that its packet id is free", async () => {
  for (const [present, qos] of [
    [true, 2],
    [false, 2],
    [true, 1],
  ] as const) {
    const { normal } = outgoing();
    for (const payload of ["a", "b", "c", "d"]) await normal.append(messageOf(payload, 2));
    // As after a restart: the first two expired before they were taken.
    const taken = [normal.take(), normal.take()];
    for (const entry of taken) normal.acknowledge(entry?.sequence ?? 0);
    const { outgoing: out } = outgoing({ feeds: [singleFeed(reopened(normal), 0, (message) => message)] });
    const line = fakeLine();
    out.connected(line, { ...FOUR, maximumQos: qos }, present);
    await settled();
    const released = present && qos === 2 ? [`pubrel ${id(1)}`, `pubrel ${id(2)}`] : [];
    const word = present ? "again" : "publish";
    assert.deepEqual(line.said, [...released, `${word} ${id(3)} c`, `${word} ${id(4)} d`]);
  }
});

test("a suspect that cannot be sent any more is set aside, and the line goes on", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  out.connected(fakeLine({ version: 5 }), five(), false);
  for (const payload of ["a", "x".repeat(500)]) await normal.append(messageOf(payload));
  await settled();
  out.disconnected(true);
  const line = fakeLine({ version: 5 });
  out.connected(line, five({ maximumPacketSize: 200 }), true);
  line.pings[0]?.();
  await settled();
  assert.deepEqual(line.said, [`again ${id(1)} a`], "alone");
  out.acknowledged(ack("puback", id(1)));
  await settled();
  assert.equal(seen.refused.length, 1);
  await normal.append(messageOf("b"));
  await settled();
  assert.deepEqual(line.said.slice(1), [`publish ${id(3)} b`]);
});

test("a lane that has to wait does not hold the other one up", async () => {
  const { outgoing: out, normal, high } = outgoing({ window: 100 });
  const line = fakeLine();
  out.connected(line, FOUR, false);
  // MQTT 3.1.1: no more than 19 of QoS 2 are on their way.
  for (let n = 1; n <= 30; n++) await high.append(messageOf(`h${n}`, 2));
  await normal.append(messageOf("n"));
  await settled();
  assert.equal(line.said.length, 20);
  assert.equal(line.said.at(-1), `publish ${id(1)} n`);
  out.acknowledged(ack("pubrec", id(1, 1)));
  await settled();
  out.acknowledged(ack("pubcomp", id(1, 1)));
  await settled();
  assert.equal(line.said.at(-1), `publish ${id(20, 1)} h20`);
});

test("normal messages are paced, high ones are not, and what is sent again is not either", async () => {
  const { outgoing: out, normal, high } = outgoing({ pace: new Pace(10) });
  const line = fakeLine();
  out.connected(line, FOUR, false);
  for (const n of [1, 2, 3]) await normal.append(messageOf(`n${n}`));
  for (const n of [1, 2, 3]) await high.append(messageOf(`h${n}`));
  await settled();
  assert.deepEqual(
    line.said.map((each) => each.split(" ")[2]),
    ["n1", "h1", "h2", "h3"],
  );
  await eventually(() => line.said.length === 6, "the rest follows in its time");
  out.disconnected(false);
});

test("no more bytes are on their way than the memory should hold, and one message always is", async () => {
  const { outgoing: out, normal } = outgoing({ window: 10_000 });
  const line = fakeLine();
  out.connected(line, FOUR, false);
  const large = "x".repeat(20_000_000);
  for (let n = 1; n <= 5; n++) await normal.append(messageOf(large));
  await settled();
  assert.equal(line.said.length, 3);
  out.acknowledged(ack("puback", id(1)));
  await settled();
  assert.equal(line.said.length, 4);
});

test("a batch of a life before this one that is larger than the span goes all the same", async () => {
  const { normal } = outgoing();
  for (let n = 1; n <= 50; n++) await normal.append(messageOf(`${n}`));
  const entries = Array.from({ length: 50 }, () => normal.take()).flatMap((entry) => entry ?? []);
  let parcel: unknown = { lane: 0, entries, first: 1, last: 50, message: messageOf("batch"), expires: undefined };
  const feed = {
    ...feedOver(normal),
    peek: () => parcel as undefined,
    shift: () => {
      parcel = undefined;
    },
  };
  const { outgoing: out } = outgoing({ window: 1, span: 10, feeds: [feed] });
  const line = fakeLine();
  out.connected(line, FOUR, false);
  await settled();
  assert.deepEqual(line.said, [`publish ${id(1)} batch`]);
  out.acknowledged(ack("puback", id(1)));
  assert.equal(normal.depth.messages, 0);
});

test("a topic that cannot be sent is set aside, and the line goes on", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  const line = fakeLine();
  out.connected(line, FOUR, false);
  for (const topic of ["a\0b", "a/+", "", "\ud800", "x".repeat(65_536)])
    for (const qos of [0, 1] as const) await normal.append({ ...messageOf("bad", qos), topic });
  await normal.append(messageOf("good"));
  await settled();
  assert.equal(seen.refused.length, 10);
  assert.deepEqual(
    line.said.map((each) => each.split(" ")[2]),
    ["good"],
  );
  assert.equal(normal.depth.messages, 1);
});

test("a server that takes less than the one before: what is too large is set aside, QoS is lowered", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  out.connected(fakeLine({ version: 5 }), five(), false);
  await normal.append(messageOf("x".repeat(500)));
  await normal.append(messageOf("two", 2));
  await settled();
  out.disconnected(false);
  const line = fakeLine({ version: 5 });
  out.connected(line, five({ maximumPacketSize: 200, maximumQos: 1 }), false);
  await settled();
  assert.deepEqual(line.said, [`publish ${id(2)} two`]);
  assert.equal(seen.refused.length, 1);
  out.acknowledged(ack("puback", id(2)));
  assert.equal(normal.depth.messages, 0);
});

test("what is refused leaves the outbox once it is kept", async () => {
  let kept = (): void => {};
  const { outgoing: out, normal } = outgoing({
    events: {
      ...{ begun: () => {}, lost: () => {}, sessionLost: () => {}, settled: () => {} },
      refused: () =>
        new Promise((resolve) => {
          kept = resolve;
        }),
    },
  });
  out.connected(fakeLine({ version: 5 }), five(), false);
  await normal.append(messageOf("a"));
  await settled();
  out.acknowledged(ack("puback", id(1), 0x87));
  await settled();
  assert.equal(normal.depth.messages, 1);
  kept();
  await settled();
  assert.equal(normal.depth.messages, 0);
});

test("refused for a quota: the connection is left and it is sent anew, however often", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  await normal.append(messageOf("a", 2));
  for (let time = 0; time < 20; time++) {
    const line = fakeLine({ version: 5 });
    out.connected(line, five(), time > 0);
    await settled();
    assert.deepEqual(line.said, [`publish ${id(1)} a`], "not as one that may be there");
    out.acknowledged(ack("pubrec", id(1), 0x97));
    assert.match(line.state.destroyed, /for now/);
    out.disconnected(false);
  }
  assert.deepEqual(seen.refused, []);
});

test("refused for a reason that may pass: given up the fifth time", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  await normal.append(messageOf("a"));
  for (let time = 0; time < 5; time++) {
    assert.equal(seen.refused.length, 0);
    out.connected(fakeLine({ version: 5 }), five(), true);
    await settled();
    out.acknowledged(ack("puback", id(1), 0x80));
    out.disconnected(false);
  }
  assert.deepEqual(seen.refused, ["a: it refused the message (reason 128)"]);
});

test("acknowledgements that make no sense change nothing", async () => {
  const { outgoing: out, normal } = outgoing();
  const line = fakeLine();
  out.acknowledged(ack("puback", 1));
  out.connected(line, FOUR, false);
  await normal.append(messageOf("a", 1));
  await settled();
  for (const kind of ["pubrec", "pubcomp", "pubrel"] as const) out.acknowledged(ack(kind, id(1)));
  for (const kind of ["puback", "pubrec", "pubcomp"] as const) out.acknowledged(ack(kind, 4_711));
  await settled();
  assert.deepEqual([line.said.length, normal.depth.messages], [1, 1]);
});

test("random acknowledgements and cuts: the window is never passed, and never shrinks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(9), fc.nat(30)), { maxLength: 60 }), async (steps) => {
      const { outgoing: out, normal } = outgoing({ window: 5 });
      for (let n = 1; n <= 40; n++) await normal.append(messageOf(`${n}`, n % 3 === 0 ? 2 : 1));
      let line = fakeLine();
      out.connected(line, FOUR, false);
      for (const [step, which] of steps) {
        await settled();
        if (step === 0) {
          out.disconnected(false);
          line = fakeLine();
          out.connected(line, FOUR, which % 4 > 0);
        } else out.acknowledged(ack((["puback", "pubrec", "pubcomp"] as const)[step % 3] ?? "puback", id(which)));
      }
      out.disconnected(false);
      const last = fakeLine();
      out.connected(last, FOUR, true);
      const open = new Set<string>();
      for (let seen = 0; normal.depth.messages > 0; ) {
        await settled();
        assert.ok(last.said.length > seen, "it goes on");
        const news = last.said.slice(seen);
        seen = last.said.length;
        for (const each of news) open.add(each.split(" ")[1] ?? "");
        assert.ok(open.size <= 5, `${open.size} are on their way`);
        for (const each of news) {
          const [kind, packetId] = each.split(" ");
          const qos2 = Number(packetId) % 2 === 1 && ((Number(packetId) - 1) / 2) % 3 === 0;
          if (kind !== "pubrel" && qos2) out.acknowledged(ack("pubrec", Number(packetId)));
          else {
            out.acknowledged(ack(qos2 ? "pubcomp" : "puback", Number(packetId)));
            open.delete(packetId ?? "");
          }
        }
      }
      out.disconnected(false);
    }),
    { numRuns: 60 },
  );
});

test("QoS 0: done when the system has its bytes; lost and counted when the connection went first", async () => {
  const { outgoing: out, normal, seen } = outgoing();
  const line = fakeLine({ holds: true });
  out.connected(line, FOUR, false);
  for (const n of [1, 2, 3]) await normal.append(messageOf(`${n}`, 0));
  await settled();
  assert.equal(normal.depth.messages, 3);
  line.takeBytes();
  assert.equal(normal.depth.messages, 0);
  await normal.append(messageOf("4", 0));
  await settled();
  out.disconnected(false);
  line.takeBytes();
  assert.deepEqual([seen.lost, normal.depth.messages], [1, 0]);
});

test("held: nothing new is sent, and what is on its way comes to its end", async () => {
  const { outgoing: out, normal } = outgoing();
  const line = fakeLine();
  out.connected(line, FOUR, false);
  await normal.append(messageOf("a"));
  await settled();
  out.hold();
  await normal.append(messageOf("b"));
  await settled();
  assert.equal(line.said.length, 1);
  const through = out.through();
  out.acknowledged(ack("puback", id(1)));
  await through;
});

function feedOver(outbox: ReturnType<typeof outgoing>["normal"]) {
  return { lane: 0, outbox, peek: () => undefined, shift: () => {}, hurry: () => {}, onReady: () => {} } as const;
}

/** As it is opened again after a crash, at the very beginning of what was sent. */
function reopened(outbox: ReturnType<typeof outgoing>["normal"]): Outbox {
  return {
    settled: 0,
    epoch: outbox.epoch,
    survives: true,
    get depth() {
      return outbox.depth;
    },
    check: (message) => outbox.check(message),
    append: (message) => outbox.append(message),
    take: () => outbox.take(),
    acknowledge: (sequence) => outbox.acknowledge(sequence),
    settle: () => {},
    onWaiting: (listener) => outbox.onWaiting(listener),
  };
}
