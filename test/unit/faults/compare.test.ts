import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Arrival,
  add,
  type Book,
  broken,
  compare,
  NOTHING,
  payloadOf,
  type Qos,
  topicOf,
} from "../../faults/compare.js";

function arrival(sender: string, qos: Qos, n: number): Arrival {
  return { topic: topicOf(sender), payload: payloadOf(sender, qos, n), qos };
}

function book(sender: string, qos: Qos, sent: number, acknowledged: readonly number[]): Book {
  return { sender, qos, sent, acknowledged: new Set(acknowledged) };
}

for (const qos of [1, 2] as const) {
  const all = [0, 1, 2, 3].map((n) => arrival("s", qos, n));
  const [zero, one, two, three] = all as [Arrival, Arrival, Arrival, Arrival];
  const sent = book("s", qos, 5, [0, 1, 2, 3]);

  test(`QoS ${qos}: all that was acknowledged arrives once, what was in doubt may or may not`, () => {
    const none = compare([sent], all)[qos];
    assert.deepEqual(none, { ...NOTHING, sent: 5, acknowledged: 4, received: 4 });
    assert.deepEqual(compare([sent], [...all, arrival("s", qos, 4)])[qos], { ...none, received: 5 });
    assert.deepEqual(broken(compare([sent], all)), []);
  });

  test(`QoS ${qos}: finds one that is lost`, () => {
    const tallies = compare([sent], [zero, one, three]);
    assert.deepEqual(tallies[qos], { ...NOTHING, sent: 5, acknowledged: 4, received: 3, lost: 1 });
    assert.deepEqual(broken(tallies), [`QoS ${qos}: 1 acknowledged messages were lost`]);
  });

  test(`QoS ${qos}: finds one that arrives again, which breaks a promise at QoS 2 only`, () => {
    const tallies = compare([sent], [...all, one, one]);
    assert.equal(tallies[qos].duplicated, 2);
    assert.equal(tallies[qos].reordered, 0);
    assert.equal(tallies[qos].received, 4);
    assert.deepEqual(broken(tallies), qos === 2 ? ["QoS 2: 2 messages arrived again"] : []);
    assert.deepEqual(broken(tallies, false), []);
  });

  test(`QoS ${qos}: one in doubt that arrives twice is a duplicate as well`, () => {
    assert.equal(compare([sent], [...all, arrival("s", qos, 4), arrival("s", qos, 4)])[qos].duplicated, 1);
  });

  test(`QoS ${qos}: finds one that is overtaken`, () => {
    assert.equal(compare([sent], [zero, two, three, one])[qos].reordered, 1);
  });

  test(`QoS ${qos}: order counts within a sender only`, () => {
    const other = book("r", qos, 2, [0, 1]);
    const rows = [arrival("r", qos, 0), zero, one, two, three, arrival("r", qos, 1)];
    assert.equal(compare([sent, other], rows)[qos].reordered, 0);
  });

  test(`QoS ${qos}: finds what nobody sent like that`, () => {
    const rows: Arrival[] = [
      { ...zero, topic: "weir/other/n" },
      { ...zero, payload: `${zero.payload}!` },
      { ...zero, qos: 0 },
      arrival("s", qos, 5),
      { ...zero, payload: "" },
      arrival("nobody", qos, 0),
    ];
    const tallies = compare([sent], [...all, ...rows]);
    assert.equal(tallies[qos].strange + tallies[0].strange, rows.length);
    assert.equal(tallies[qos].duplicated, 0);
    assert.equal(broken(tallies).length, 2);
  });
}

test("QoS 0 promises nothing but what was sent", () => {
  const tallies = compare([book("s", 0, 3, [])], [arrival("s", 0, 1), arrival("s", 0, 1)]);
  assert.deepEqual(tallies[0], { ...NOTHING, sent: 3, received: 1, duplicated: 1 });
  assert.deepEqual(broken(tallies), []);
});

test("runs are added up", () => {
  const one = compare([book("s", 1, 2, [0, 1])], [arrival("s", 1, 0)]);
  assert.deepEqual(add(one, one)[1], { ...NOTHING, sent: 4, acknowledged: 4, received: 2, lost: 2 });
});
