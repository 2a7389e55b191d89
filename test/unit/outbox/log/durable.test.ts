import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../support/eventually.js";
import { type Disk, systemError } from "./disk.js";
import { counted, drain, message, open, textOf } from "./fixture.js";

const HEADER = 20; // bytes before the first record
const RECORD = 28; // bytes before topic and payload

const segmentsOf = (disk: Disk): string[] => [...disk.names.keys()].filter((name) => name.endsWith(".seg"));

async function appendAll(
  outbox: { append(m: ReturnType<typeof message>): Promise<void> },
  texts: readonly string[],
): Promise<void> {
  await Promise.all(texts.map((text) => outbox.append(message(text))));
}

const numbers = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, index) => String(from + index));

test("gives messages in the order they came, each once, with all they had", async () => {
  const { outbox } = await open();
  const sent = { topic: "ä/ü", payload: Buffer.from([0, 1, 255]), qos: 2, retain: true } as const;
  await outbox.append(sent);
  await appendAll(outbox, ["b", "c"]);
  assert.deepEqual(outbox.depth, { messages: 3, bytes: 5 + 3 + 4 + 4, oldest: 7 });
  const entries = await drain(outbox);
  assert.deepEqual(
    entries.map((entry) => entry.sequence),
    [1, 2, 3],
  );
  assert.deepEqual(entries[0]?.message, sent);
  assert.equal(outbox.take(), undefined);
  await outbox.close();
});

test("many that append at once share one sync", async () => {
  const { outbox, disk } = await open();
  await outbox.append(message("the segment is made"));
  let syncs = 0;
  disk.trouble = (call, path) => {
    if (call === "sync" && path.endsWith(".seg")) syncs += 1;
    return undefined;
  };
  await appendAll(outbox, numbers(500));
  assert.equal(syncs, 1);
  await outbox.close();
});

test("QoS 1 resolves after the sync and is taken after it; QoS 0 resolves at once", async () => {
  const { outbox, disk } = await open();
  let unsynced = true;
  disk.trouble = (call) => {
    if (call === "sync") unsynced = false;
    return undefined;
  };
  await outbox.append(message("zero", 0));
  assert.equal(outbox.take(), undefined, "not even written");
  const one = outbox.append(message("one", 1));
  one.then(() => assert.equal(unsynced, false)).catch(assert.fail);
  await one;
  assert.equal(unsynced, false);
  assert.deepEqual((await drain(outbox)).map(textOf), ["zero", "one"]);
  await outbox.close();
});

test("an interval is synced by itself; with none nothing of the log ever is", async () => {
  const syncs = new Map<string, number>();
  for (const durability of ["interval", "none"] as const) {
    const { outbox, disk } = await open({ durability, interval: 1, segmentBytes: 200 });
    disk.trouble = (call, path) => {
      if (call.startsWith("sync") && !path.endsWith("cursor")) syncs.set(durability, (syncs.get(durability) ?? 0) + 1);
      return undefined;
    };
    await appendAll(outbox, numbers(20));
    if (durability === "interval") await eventually(() => syncs.has("interval"), "it was synced");
    for (const { sequence } of await drain(outbox)) outbox.acknowledge(sequence);
    await outbox.close();
  }
  assert.ok(syncs.has("interval"));
  assert.equal(syncs.has("none"), false);
});

test("once an interval has passed, a power cut costs nothing, whatever segment it is in", async () => {
  const { outbox, disk } = await open({ durability: "interval", interval: 100, segmentBytes: 200 });
  for (const text of numbers(30)) {
    await outbox.append(message(text));
    await eventually(() => outbox.take() !== undefined, "it was written");
  }
  let synced = false;
  disk.trouble = (call, path) => {
    synced ||= call === "sync" && path.endsWith(".seg");
    return undefined;
  };
  await eventually(() => synced, "a sync began");
  await outbox.append(message("31"));
  await eventually(() => outbox.take() !== undefined, "it was written, which is after the sync");
  disk.pullPlug(() => 0);
  const again = await open({}, disk);
  assert.ok((await drain(again.outbox)).length >= 30);
  await again.outbox.close();
  await outbox.close();
});

test("what is not in memory is read back in order, and the listener is called for it", async () => {
  const { outbox, disk } = await open({ segmentBytes: 20_000 });
  await appendAll(outbox, numbers(5000));
  assert.ok(segmentsOf(disk).length > 1);
  const taken: string[] = [];
  let calls = 0;
  const pump = (): void => {
    calls += 1;
    for (let entry = outbox.take(); entry !== undefined; entry = outbox.take()) {
      taken.push(textOf(entry));
      outbox.acknowledge(entry.sequence);
    }
  };
  outbox.onWaiting(pump);
  pump();
  assert.ok(taken.length <= 1024, "no more than the read-ahead was in memory");
  await eventually(() => taken.length === 5000, "all was taken");
  assert.ok(calls > 2);
  assert.deepEqual(taken, numbers(5000));
  assert.deepEqual(outbox.depth, { messages: 0, bytes: 0, oldest: undefined });
  await eventually(() => segmentsOf(disk).length <= 1, "segments that are done are deleted");
  await outbox.close();
});

test("what goes through while nothing is queued is never read back", async () => {
  const { outbox, disk } = await open();
  let reads = 0;
  disk.trouble = (call) => {
    if (call === "read") reads += 1;
    return undefined;
  };
  for (const text of numbers(20)) {
    await outbox.append(message(text));
    const entry = outbox.take();
    assert.ok(entry);
    assert.equal(textOf(entry), text);
    outbox.acknowledge(entry.sequence);
  }
  assert.equal(reads, 0);
  await outbox.close();
});

test("a message longer than what is read at once, and one without a payload", async () => {
  const { outbox, disk } = await open();
  await Promise.all([
    outbox.append(message("small")),
    outbox.append(message("huge", 1, 3_000_000)),
    outbox.append(message("")),
  ]);
  await outbox.close();
  const again = await open({}, disk);
  const entries = await drain(again.outbox);
  assert.deepEqual(
    entries.map(({ message: { payload } }) => payload.length),
    [5, 3_000_000, 0],
  );
  await again.outbox.close();
});

test("after closing and opening, what was not acknowledged comes, in order, and sequences go on", async () => {
  const { outbox, disk } = await open({ segmentBytes: 300 });
  await appendAll(outbox, numbers(30));
  for (let index = 0; index < 12; index++) {
    const entry = outbox.take();
    // The tenth stays: what was acknowledged beyond it comes again, as the invariant says.
    if (entry !== undefined && entry.sequence !== 10) outbox.acknowledge(entry.sequence);
  }
  const before = outbox.depth;
  await outbox.close();
  await assert.rejects(outbox.append(message("late")), { code: "CLOSED" });
  assert.equal(outbox.take(), undefined);

  const again = await open({}, disk);
  assert.deepEqual(again.outbox.recovered, { messages: 21, truncatedBytes: 0, quarantined: [] });
  assert.equal(again.outbox.depth.messages, before.messages + 2);
  assert.equal(again.outbox.depth.oldest, 7);
  await again.outbox.append(message("31"));
  const entries = await drain(again.outbox);
  assert.deepEqual(entries.map(textOf), numbers(22, 10));
  assert.deepEqual(
    entries.map((entry) => entry.sequence),
    numbers(22, 10).map(Number),
  );
  await again.outbox.close();
});

test("emptied and opened again, sequences still go on", async () => {
  const { outbox, disk } = await open();
  await appendAll(outbox, numbers(3));
  for (const { sequence } of await drain(outbox)) outbox.acknowledge(sequence);
  await outbox.close();
  for (let turn = 0; turn < 3; turn++) {
    const { outbox: again } = await open({}, disk);
    assert.equal(again.depth.messages, 0);
    await again.close();
  }
  const { outbox: last } = await open({}, disk);
  await last.append(message("4"));
  assert.equal(last.take()?.sequence, 4);
  await last.close();
});

test("two cannot have one folder, and a failed opening leaves it free", async () => {
  const { outbox, disk } = await open();
  await assert.rejects(open({}, disk), { code: "OUTBOX_LOCKED" });
  await outbox.close();
  disk.trouble = (call, path) => (call === "open read" && path.endsWith("cursor") ? systemError("EACCES") : undefined);
  await assert.rejects(open({}, disk), { code: "OUTBOX_UNAVAILABLE", message: /EACCES/ });
  disk.trouble = () => undefined;
  await (await open({}, disk)).outbox.close();
});

test("losses while running are told: what is damaged is given up, the rest goes on", async () => {
  const { outbox, disk, journal } = await open({ segmentBytes: 30_000 });
  for (let from = 1; from < 4000; from += 1000) await appendAll(outbox, numbers(1000, from));
  const segments = segmentsOf(disk).sort();
  const damaged = segments.at(1);
  const next = segments.at(2);
  assert.ok(damaged && next);
  const inode = disk.names.get(damaged);
  assert.ok(inode);
  inode.content = Buffer.from(inode.content);
  inode.content.fill(0, 20_000, 20_001);
  const entries: number[] = [];
  const pump = (): void => {
    for (let entry = outbox.take(); entry !== undefined; entry = outbox.take()) {
      entries.push(entry.sequence);
      outbox.acknowledge(entry.sequence);
    }
  };
  outbox.onWaiting(pump);
  pump();
  await eventually(() => outbox.depth.messages === 0, "all that can be read was taken");
  const lost = numbers(4000)
    .map(Number)
    .filter((sequence) => !entries.includes(sequence));
  assert.ok(lost.length > 0);
  assert.equal(counted(journal, "outbox_lost"), lost.length);
  assert.equal((lost.at(-1) ?? 0) + 1, Number(next.slice(0, 15)), "up to the next segment, and no further");
  assert.equal(outbox.depth.bytes, 0);
  await eventually(() => disk.names.has(damaged.replace(".seg", ".corrupt")), "the damaged segment is set aside");
  await outbox.append(message("more"));
  assert.equal(entries.at(-1), 4001);
  await outbox.close();
  const again = await open({}, disk);
  assert.deepEqual(again.outbox.recovered.quarantined, [], "told once");
  await again.outbox.close();
});

test("damage in the segment that is written to: what follows goes to the next one, under sequences of its own", async () => {
  const { outbox, disk } = await open({ readAhead: 2 });
  for (const text of numbers(10)) await outbox.append(message(text));
  const [name] = segmentsOf(disk);
  const inode = disk.names.get(name ?? "");
  assert.ok(inode);
  inode.content = Buffer.from(inode.content);
  const seventh = HEADER + 6 * (RECORD + 4);
  inode.content.writeUInt8(inode.content.readUInt8(seventh) ^ 1, seventh);
  const entries: number[] = [];
  const pump = (): void => {
    for (let entry = outbox.take(); entry !== undefined; entry = outbox.take()) {
      entries.push(entry.sequence);
      outbox.acknowledge(entry.sequence);
    }
  };
  outbox.onWaiting(pump);
  pump();
  await eventually(() => outbox.depth.messages === 0, "all that can be read was taken");
  for (const text of numbers(10, 11)) await outbox.append(message(text));
  await eventually(() => outbox.depth.messages === 0, "the rest was taken");
  assert.deepEqual(entries, [...numbers(6), ...numbers(10, 11)].map(Number));
  disk.kill();
  const again = await open({}, disk);
  assert.deepEqual(again.outbox.recovered.quarantined, []);
  await again.outbox.close();
  await outbox.close();
});
