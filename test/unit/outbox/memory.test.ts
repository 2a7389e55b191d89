import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import type { Entry as JournalEntry } from "../../../src/core/journal.js";
import type { Message } from "../../../src/core/message.js";
import { MemoryOutbox, type MemoryOutboxOptions } from "../../../src/outbox/memory.js";
import { eventually } from "../../support/eventually.js";

const message = (topic: string, size = 1): Message => ({ topic, payload: new Uint8Array(size), qos: 1, retain: false });

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What payloads hold, in MB. */
function payloadMemory(): number {
  // The first one may leave the freeing of the buffers to another thread; the second one waits for that.
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().arrayBuffers / 2 ** 20;
}

function outbox(options: Partial<MemoryOutboxOptions> = {}): { outbox: MemoryOutbox; journal: JournalEntry[] } {
  const journal: JournalEntry[] = [];
  const settings = {
    id: "up",
    maxMessages: 4,
    maxBytes: 1e6,
    whenFull: "drop-oldest",
    journal: (e: JournalEntry) => journal.push(e),
    now: () => 7,
  } as const;
  return { outbox: new MemoryOutbox({ ...settings, ...options }), journal };
}

test("gives messages in the order they came, each once", async () => {
  const { outbox: box } = outbox();
  for (const topic of ["a", "b", "c"]) await box.append(message(topic));
  assert.deepEqual(
    [box.take(), box.take(), box.take()].map((e) => e?.message.topic),
    ["a", "b", "c"],
  );
  assert.equal(box.take(), undefined);
});

test("acknowledged out of order, the depth follows and the oldest is the first unacknowledged", async () => {
  let time = 0;
  const { outbox: box } = outbox({ now: () => ++time });
  for (const topic of ["a", "b"]) await box.append(message(topic, 9));
  const [a, b] = [box.take(), box.take()];
  assert.ok(a && b);
  box.acknowledge(b.sequence);
  assert.deepEqual(box.depth, { messages: 1, bytes: 10, oldest: 1 });
  box.acknowledge(a.sequence);
  box.acknowledge(a.sequence);
  assert.deepEqual(box.depth, { messages: 0, bytes: 0, oldest: undefined });
});

test("full, drop-oldest drops the oldest that waits, never one that was taken", async () => {
  const { outbox: box, journal } = outbox();
  for (const topic of ["a", "b", "c", "d"]) await box.append(message(topic));
  assert.equal(box.take()?.message.topic, "a");
  await box.append(message("e"));
  assert.deepEqual(
    [box.take(), box.take(), box.take()].map((e) => e?.message.topic),
    ["c", "d", "e"],
  );
  assert.deepEqual(
    journal.map((e) => [e.event, e.reason]),
    [["outbox_dropped", "oldest"]],
  );
});

test("full of taken messages, drop-oldest drops the new one", async () => {
  const { outbox: box, journal } = outbox({ maxMessages: 1 });
  await box.append(message("a"));
  box.take();
  await box.append(message("b"));
  assert.equal(box.depth.messages, 1);
  assert.deepEqual(
    journal.map((e) => e.reason),
    ["newest"],
  );
});

test("full, drop-newest keeps what it has", async () => {
  const { outbox: box, journal } = outbox({ whenFull: "drop-newest", maxMessages: 1 });
  await box.append(message("a"));
  await box.append(message("b"));
  assert.equal(box.take()?.message.topic, "a");
  assert.equal(box.take(), undefined);
  assert.deepEqual(
    journal.map((e) => e.reason),
    ["newest"],
  );
});

test("full, refuse rejects with OUTBOX_FULL and takes again once there is room", async () => {
  const { outbox: box } = outbox({ whenFull: "refuse", maxMessages: 1 });
  await box.append(message("a"));
  await assert.rejects(box.append(message("b")), { code: "OUTBOX_FULL" });
  const taken = box.take();
  assert.ok(taken);
  box.acknowledge(taken.sequence);
  await box.append(message("c"));
  assert.equal(box.take()?.message.topic, "c");
});

test("a message larger than the bound never pushes the others out", async () => {
  const { outbox: box, journal } = outbox({ maxBytes: 100 });
  await box.append(message("a"));
  await box.append(message("huge", 101));
  assert.equal(box.depth.messages, 1);
  assert.deepEqual(
    journal.map((e) => e.reason),
    ["newest"],
  );
});

test("full because of what was taken, the rest is not dropped in vain", async () => {
  const { outbox: box, journal } = outbox({ maxBytes: 100 });
  await box.append(message("a", 59));
  box.take();
  await box.append(message("b", 19));
  await box.append(message("c", 49));
  assert.equal(box.take()?.message.topic, "b");
  assert.deepEqual(
    journal.map((e) => e.reason),
    ["newest"],
  );
});

test("while one is on its way for ever, what is dropped after it is not kept", async () => {
  const { outbox: box } = outbox();
  await box.append(message("a"));
  box.take();
  const before = payloadMemory();
  for (let i = 0; i < 2_000; i++) await box.append(message("b", 20_000));
  assert.equal(box.depth.messages, 4);
  const grown = payloadMemory() - before;
  assert.ok(grown < 10, `${grown} MB for three messages of 20 kB`);
});

test("a small payload does not keep the large piece that it was read with", async () => {
  const { outbox: box } = outbox({ maxMessages: 1_000 });
  const before = payloadMemory();
  for (let i = 0; i < 500; i++) {
    const payload = Buffer.alloc(65_536, "x").subarray(10, 14);
    await box.append({ topic: "a", payload, qos: 1, retain: false });
  }
  const grown = payloadMemory() - before;
  assert.ok(grown < 10, `${grown} MB for 500 payloads of 4 bytes`);
  assert.equal(Buffer.from(box.take()?.message.payload ?? []).toString(), "xxxx");
});

test("check throws and counts what append would refuse, and keeps nothing", async () => {
  const { outbox: box, journal } = outbox({ whenFull: "refuse", maxMessages: 1 });
  box.check(message("a"));
  assert.equal(box.depth.messages, 0);
  await box.append(message("a"));
  assert.throws(() => box.check(message("b")), { code: "OUTBOX_FULL" });
  assert.deepEqual(
    journal.map((e) => e.reason),
    ["refused"],
  );
  const { outbox: dropping } = outbox({ maxMessages: 1 });
  await dropping.append(message("a"));
  dropping.check(message("b"));
});

test("what to do when it is full is each message's own, and a drop counts for its rule", async () => {
  const { outbox: box, journal } = outbox({ maxMessages: 2, whenFull: "drop-newest" });
  for (const topic of ["a", "b"]) await box.append(message(topic));
  await assert.rejects(box.append(message("c"), { whenFull: "refuse", rule: "alarms" }), { code: "OUTBOX_FULL" });
  assert.throws(() => box.check(message("c"), { whenFull: "refuse", rule: "alarms" }), { code: "OUTBOX_FULL" });
  box.check(message("c"));
  await box.append(message("c"), { rule: "values" });
  await box.append(message("d"), { whenFull: "drop-oldest", rule: "values" });
  assert.deepEqual(
    [box.take(), box.take()].map((e) => e?.message.topic),
    ["b", "d"],
  );
  assert.deepEqual(
    journal.map(({ at, reason }) => [at, reason]),
    [
      ["up alarms", "refused"],
      ["up alarms", "refused"],
      ["up values", "newest"],
      ["up", "oldest"],
    ],
  );
});

test("settled is the prefix that is acknowledged or dropped, and the listener is told of it, not within the call", async () => {
  const { outbox: box } = outbox({ maxMessages: 3 });
  assert.equal(box.settled, 0);
  for (const topic of ["a", "b", "c"]) await box.append(message(topic));
  box.take();
  box.take();
  let told = 0;
  box.onWaiting(() => (told += 1));
  box.acknowledge(2);
  assert.equal(box.settled, 0);
  box.acknowledge(1);
  assert.deepEqual([box.settled, told], [2, 0]);
  await Promise.resolve();
  assert.equal(told, 1);
  for (const topic of ["d", "e", "f"]) await box.append(message(topic));
  assert.equal(box.settled, 3, "the third was dropped");
  for (let entry = box.take(); entry; entry = box.take()) box.acknowledge(entry.sequence);
  assert.equal(box.settled, 6);
});

test("what expired or is too old is not given but counted, and makes room before anything else is dropped", async () => {
  let time = 1000;
  const { outbox: box, journal } = outbox({ now: () => time, maxAge: 100, whenFull: "refuse" });
  await box.append(message("a"), { expiry: 10, rule: "values" });
  await box.append(message("b"), { expiry: 200 });
  await box.append(message("c"), { expiry: 20 });
  time = 1050;
  await box.append(message("d"));
  box.check(message("e"));
  await box.append(message("e"));
  assert.equal(journal.length, 1, "the one at the head");
  time = 1101;
  const entries = [box.take(), box.take(), box.take()];
  assert.deepEqual(
    entries.map((e) => e && [e.message.topic, e.appended, e.expires]),
    [["d", 1050, undefined], ["e", 1050, undefined], undefined],
  );
  assert.deepEqual(
    journal.map(({ at, reason }) => [at, reason]),
    [
      ["up", "expired"],
      ["up", "too_old"],
      ["up", "expired"],
    ],
  );
  time = 0;
  await box.append(message("f"), { expiry: 10 });
  assert.equal(box.take()?.expires, 10, "the clock was set back");
});

test("nobody takes, nobody appends: what expired leaves all the same, however much it is", async () => {
  let time = 1000;
  const { outbox: box, journal } = outbox({ now: () => time, maxMessages: 100_000, maxBytes: 1e9 });
  for (let n = 0; n < 25_000; n++) await box.append(message("a"), { expiry: 10 });
  await box.append(message("b"));
  time = 1010;
  assert.equal(box.take(), undefined, "no more than a part of it in one turn");
  let woken = 0;
  box.onWaiting(() => (woken += 1));
  await eventually(() => journal.length === 25_000, "the rest left");
  assert.ok(woken > 0);
  assert.equal(box.take()?.message.topic, "b");
  await box.append(message("c"), { expiry: 5 });
  time = 2000;
  await eventually(() => box.depth.messages === 1, "it left without anybody asking");
});

test("whatever happens: order and bounds hold, appended = acknowledged + dropped + there, settled is the prefix, nothing stale is given", async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("append" as const),
      size: fc.integer({ min: 0, max: 40 }),
      terms: fc.record(
        {
          expiry: fc.integer({ min: 1, max: 20 }),
          whenFull: fc.constantFrom("drop-oldest" as const, "drop-newest" as const, "refuse" as const),
        },
        { requiredKeys: [] },
      ),
    }),
    fc.record({ do: fc.constantFrom("take" as const, "acknowledge" as const), pick: fc.nat(9) }),
    fc.record({ do: fc.constant("wait" as const), time: fc.integer({ min: -10, max: 15 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 300 }), async (steps) => {
      let time = 1000;
      const { outbox: box, journal } = outbox({ maxMessages: 5, maxBytes: 100, maxAge: 40, now: () => time });
      /** Sequences that were given and not acknowledged. */
      const taken: number[] = [];
      let [appended, acknowledged, last, settled] = [0, 0, 0, 0];
      for (const s of steps) {
        if (s.do === "append") {
          const name = `${appended++}`.padStart(4, "0");
          await box.append(message(name, s.size), s.terms).catch(() => undefined);
        } else if (s.do === "wait") time += s.time;
        else if (s.do === "take") {
          const entry = box.take();
          if (entry === undefined) continue;
          assert.ok(entry.sequence > last, "in order, each once");
          assert.ok(time < (entry.expires ?? Number.POSITIVE_INFINITY) && time <= entry.appended + 40, "stale");
          last = entry.sequence;
          taken.push(last);
        } else {
          const [sequence] = taken.splice(s.pick, 1);
          if (sequence === undefined) continue;
          box.acknowledge(sequence);
          acknowledged += 1;
        }
        assert.ok(box.depth.messages <= 5 && box.depth.bytes <= 100);
        assert.ok(box.settled >= settled && box.settled < Math.min(...taken, Number.POSITIVE_INFINITY));
        settled = box.settled;
        if (box.depth.messages > taken.length) assert.ok(taken.length === 0 || settled === (taken[0] ?? 0) - 1);
      }
      assert.equal(appended, acknowledged + journal.length + box.depth.messages);
      for (let entry = box.take(); entry; entry = box.take()) taken.push(entry.sequence);
      assert.equal(taken.length, box.depth.messages);
      for (const sequence of taken) box.acknowledge(sequence);
      assert.equal(
        box.settled,
        appended - journal.filter(({ reason }) => reason === "newest" || reason === "refused").length,
      );
    }),
  );
});
