import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchOptions, batchFeed } from "../../../../src/bridge/session/batch-feed.js";
import { memorySessionStore } from "../../../../src/bridge/session/memory.js";
import type { Parcel } from "../../../../src/bridge/session/parcel.js";
import type { Change, Range, SessionStore } from "../../../../src/bridge/session/session.js";
import { decodeBatch } from "../../../../src/protocols/batch/index.js";
import { eventually } from "../../../support/eventually.js";
import { memoryOutbox } from "../rig.js";
import { settled } from "./line.js";
import { messageOf } from "./pure.js";

function feeding(options: Partial<BatchOptions> = {}, parcels: readonly Range[] = []) {
  const clock = { now: 0 };
  const outbox = memoryOutbox({ now: () => 1e12 + clock.now });
  const recorded: Change[] = [];
  let confirm = (): void => {};
  const store: SessionStore = {
    ...memorySessionStore(),
    recovered: { ...memorySessionStore().recovered, parcels },
    record: (changes) =>
      new Promise((resolve) => {
        recorded.push(...changes);
        confirm = resolve;
      }),
  };
  const usual = { format: "json", compression: "none", messages: 3, size: 1_000, linger: 10_000, topic: "b" } as const;
  const feed = batchFeed({ ...usual, ...options }, { outbox, store, idOf: undefined, ticks: () => clock.now });
  let woken = 0;
  feed.onReady(() => {
    woken += 1;
  });
  const confirmed = async (): Promise<void> => {
    confirm();
    await settled();
  };
  return { feed, outbox, recorded, clock, confirmed, woken: () => woken };
}

const extent = (parcel: Parcel | undefined): string =>
  parcel === undefined ? "none" : `${parcel.first}-${parcel.last}: ${parcel.entries.map((e) => e.sequence).join(" ")}`;

async function fill(outbox: ReturnType<typeof memoryOutbox>, count: number, qos: 0 | 1 | 2 = 1): Promise<void> {
  for (let n = 0; n < count; n++) await outbox.append(messageOf(`${outbox.depth.messages + 1}`, qos));
}

test("a full batch is noted before it is there, and is the same until it is shifted", async () => {
  const { feed, outbox, recorded, confirmed } = feeding();
  await fill(outbox, 4);
  assert.equal(feed.peek(), undefined);
  assert.deepEqual(recorded, [{ kind: "parcel", first: 1, last: 3 }]);
  assert.equal(feed.peek(), undefined);
  await confirmed();
  assert.equal(extent(feed.peek()), "1-3: 1 2 3");
  assert.equal(feed.peek(), feed.peek());
  const payload = feed.peek()?.message.payload ?? assert.fail();
  assert.deepEqual(
    decodeBatch(payload).messages.map((message) => Buffer.from(message.payload).toString()),
    ["1", "2", "3"],
  );
  feed.shift();
  assert.equal(feed.peek(), undefined, "the fourth waits for others");
  feed.hurry();
  assert.equal(feed.peek(), undefined);
  await confirmed();
  assert.equal(extent(feed.peek()), "4-4: 4");
});

test("the QoS of a batch is the highest in it, and one of QoS 0 alone needs no note", async () => {
  const { feed, outbox, recorded, confirmed } = feeding();
  await fill(outbox, 3, 0);
  assert.deepEqual([feed.peek()?.message.qos, recorded], [0, []]);
  feed.shift();
  for (const qos of [0, 2, 1] as const) await outbox.append(messageOf("x", qos));
  feed.peek();
  await confirmed();
  assert.equal(feed.peek()?.message.qos, 2);
});

test("the first of a batch waits as long as it may", async () => {
  const { feed, outbox, clock, confirmed, woken } = feeding({ linger: 20 });
  await fill(outbox, 1);
  assert.equal(feed.peek(), undefined);
  const before = woken();
  await eventually(() => woken() > before, "the linger is over");
  clock.now = 20;
  feed.peek();
  await confirmed();
  assert.equal(extent(feed.peek()), "1-1: 1");
});

test("once it is hurried no timer is left, though nobody asks for what is gathered", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const { feed, outbox } = feeding({ linger: 3_600_000 });
  await fill(outbox, 1);
  await settled();
  const before = timers();
  feed.peek();
  assert.equal(timers(), before + 1);
  feed.hurry();
  assert.equal(timers(), before);
});

test("no batch is larger than it may be, also in front of one of a life before", async () => {
  for (const parcels of [[], [{ first: 9, last: 9 }]]) {
    const { feed, outbox, confirmed } = feeding({ size: 100, messages: 50 }, parcels);
    for (const length of [60, 60, 30, 500]) await outbox.append(messageOf("x".repeat(length)));
    const extents: string[] = [];
    for (let n = 0; n < 3; n++) {
      feed.hurry();
      if (feed.peek() === undefined) await confirmed();
      extents.push(extent(feed.peek()));
      feed.shift();
    }
    assert.deepEqual(extents, ["1-1: 1", "2-3: 2 3", "4-4: 4"]);
  }
});

test("batches of a life before this one are made up as they were, whatever the limits are now", async () => {
  const before = [
    { first: 2, last: 6 },
    { first: 7, last: 8 },
  ];
  const { feed, outbox, recorded, confirmed } = feeding({ messages: 2 }, before);
  await fill(outbox, 10);
  assert.equal(feed.peek(), undefined);
  await confirmed();
  const extents: string[] = [];
  for (let n = 0; n < 4; n++) {
    if (feed.peek() === undefined) await confirmed();
    extents.push(extent(feed.peek()));
    feed.shift();
  }
  assert.deepEqual(extents, ["1-1: 1", "2-6: 2 3 4 5 6", "7-8: 7 8", "9-10: 9 10"]);
  assert.deepEqual(recorded, [
    { kind: "parcel", first: 1, last: 1 },
    { kind: "parcel", first: 9, last: 10 },
  ]);
});

test("what expired of a batch of before is missing from it, and its extent stays", async () => {
  for (const [gone, expected] of [
    [[1], "1-3: 2 3"],
    [[2], "1-3: 1 3"],
    [[3], "1-3: 1 2"],
    [[1, 2, 3], "4-4: 4"],
  ] as const) {
    const { feed, outbox, clock, confirmed } = feeding({}, [{ first: 1, last: 3 }]);
    for (let n = 1; n <= 4; n++)
      await outbox.append(messageOf(`${n}`), (gone as readonly number[]).includes(n) ? { expiry: 1 } : {});
    clock.now = 10;
    feed.hurry();
    if (feed.peek() === undefined) await confirmed();
    assert.equal(extent(feed.peek()), expected);
  }
});

test("a batch of before whose end is gone waits for what is on its way, without spinning", async () => {
  const { feed, outbox, woken } = feeding({}, [
    { first: 1, last: 1 },
    { first: 2, last: 5 },
  ]);
  await fill(outbox, 3);
  assert.equal(extent(feed.peek()), "1-1: 1");
  feed.shift();
  assert.equal(feed.peek(), undefined, "4 and 5 may still be read");
  const before = woken();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(woken(), before);
  outbox.acknowledge(1);
  await settled();
  assert.ok(woken() > before);
  assert.equal(extent(feed.peek()), "2-5: 2 3");
});
