import assert from "node:assert/strict";
import { before, test } from "node:test";
import { eventually } from "../../../support/eventually.js";
import { Disk, systemError } from "./disk.js";
import { counted, drain, message, type Opened, open, textOf } from "./fixture.js";

const RECORD = 28; // bytes before topic and payload
const HEADER = 20;
const NAMES = { first: "000000000000001.seg", middle: "000000000000005.seg", last: "000000000000009.seg" } as const;

/** Three segments of four messages each, closed in order. Nothing is acknowledged. */
let image: ReadonlyMap<string, Buffer>;
/** The same as a process left it that was ended without a word. */
let killed: ReadonlyMap<string, Buffer>;
/** Where the records of a segment begin, and where the last one ends. The same in all three. */
let places: number[];

before(async () => {
  const { outbox, disk } = await open({ segmentBytes: 100 });
  for (let n = 1; n <= 12; n += 4)
    await Promise.all([n, n + 1, n + 2, n + 3].map((m) => outbox.append(message(said(m)))));
  killed = disk.image();
  await outbox.close();
  image = disk.image();
  const bytes = image.get(NAMES.last);
  assert.ok(bytes);
  places = [HEADER];
  for (let at = HEADER; at < bytes.length; ) {
    at += bytes.readUInt32LE(at + 4);
    places.push(at);
  }
  assert.equal(places.length, 5);
});

/** Lengths differ within a segment, and are the same in each. */
function said(sequence: number): string {
  return String(sequence).padStart(2 + ((sequence - 1) % 4), "0");
}

function changed(base: ReadonlyMap<string, Buffer>, name: string, change: (bytes: Buffer) => Buffer): Disk {
  const copy = new Map(base);
  const bytes = copy.get(name);
  assert.ok(bytes);
  copy.set(name, change(Buffer.from(bytes)));
  return Disk.of(copy);
}

async function sequences({ outbox }: Opened): Promise<number[]> {
  const entries = await drain(outbox);
  for (const entry of entries) {
    // What is appended here comes last, under the next sequence that is free.
    if (entry === entries.at(-1) && textOf(entry) === "new") continue;
    assert.equal(textOf(entry), said(entry.sequence), "a message is the one that was appended with its sequence");
  }
  return entries.map(({ sequence }) => sequence);
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

test("a last segment that ends at any byte, with nothing, zeros or noise behind it, holds what was whole", async () => {
  const size = places.at(-1) ?? 0;
  const noise = Buffer.from(Array.from({ length: 60 }, (_, index) => (index * 167 + 13) & 0xff));
  for (let end = 0; end <= size; end++) {
    for (const tail of [Buffer.alloc(0), Buffer.alloc(60), noise]) {
      const disk = changed(killed, NAMES.last, (bytes) => Buffer.concat([bytes.subarray(0, end), tail]));
      const opened = await open({}, disk);
      const whole = places.filter((place) => place > HEADER && place <= end).length;
      assert.deepEqual(opened.outbox.recovered.quarantined, [], `cut at ${end}`);
      await opened.outbox.append(message("new"));
      const found = await sequences(opened);
      assert.deepEqual(found, upTo(8 + whole + 1), `cut at ${end}`);
      await opened.outbox.close();
      const again = await open({}, disk);
      assert.deepEqual(again.outbox.recovered, { messages: found.length, truncatedBytes: 0, quarantined: [] });
      await again.outbox.close();
    }
  }
});

test("a byte that rots anywhere costs the rest of its segment, told exactly and once, and a copy is kept", async () => {
  for (const [which, first] of [
    ["first", 1],
    ["middle", 5],
    ["last", 9],
  ] as const) {
    const name = NAMES[which];
    for (let at = 0; at < (places.at(-1) ?? 0); at++) {
      const disk = changed(image, name, (bytes) => {
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at & 7)), at);
        return bytes;
      });
      const rotten = disk.image().get(name);
      const opened = await open({ segmentBytes: 100 }, disk);
      const { outbox, journal } = opened;
      if (at < HEADER) {
        assert.deepEqual(outbox.recovered, { messages: 12, truncatedBytes: 0, quarantined: [] });
        await outbox.close();
        continue;
      }
      const record = places.findIndex((place) => place > at) - 1;
      const lost = { file: name, first: first + record, last: first + 3 };
      assert.deepEqual(outbox.recovered.quarantined, [lost], `${name} at ${at}`);
      assert.equal(counted(journal, "outbox_lost"), 4 - record);
      assert.deepEqual(disk.image().get(name.replace("seg", "corrupt")), rotten);
      await outbox.append(message("new"));
      const left = upTo(13).filter((sequence) => sequence < lost.first || sequence > lost.last);
      assert.deepEqual(await sequences(opened), left);
      disk.kill();
      const again = await open({}, disk);
      assert.deepEqual(again.outbox.recovered, { messages: left.length, truncatedBytes: 0, quarantined: [] });
      assert.deepEqual(await sequences(again), left);
      await again.outbox.close();
      await outbox.close();
    }
  }
});

test("sound records behind a bad one tell damage from a torn end, where the cursor does not know", async () => {
  const at = (places[1] ?? 0) + RECORD;
  const disk = changed(killed, NAMES.last, (bytes) => {
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  });
  const { outbox } = await open({}, disk);
  assert.deepEqual(outbox.recovered.quarantined, [{ file: NAMES.last, first: 10, last: 12 }]);
  await outbox.append(message("new"));
  const entries = await drain(outbox);
  assert.equal(entries.at(-1)?.sequence, 13);
  await outbox.close();
});

test("a segment that is missing is told, in front, between and at the end", async () => {
  for (const [which, first] of [
    ["first", 1],
    ["middle", 5],
    ["last", 9],
  ] as const) {
    const copy = new Map(image);
    copy.delete(NAMES[which]);
    const opened = await open({}, Disk.of(copy));
    const [loss, ...more] = opened.outbox.recovered.quarantined;
    assert.deepEqual([loss?.first, loss?.last, more], [first, first + 3, []]);
    await opened.outbox.append(message("new"));
    assert.deepEqual(
      await sequences(opened),
      upTo(13).filter((sequence) => sequence < first || sequence > first + 3),
    );
    await opened.outbox.close();
  }
});

test("a cursor that is gone or noise costs nothing but what is sent twice", async () => {
  const { outbox, disk } = await open({}, Disk.of(image));
  for (let turn = 0; turn < 6; turn++) outbox.acknowledge(outbox.take()?.sequence ?? 0);
  await outbox.close();
  for (const bytes of [undefined, Buffer.alloc(0), Buffer.alloc(8192, 0x5a)]) {
    const copy = disk.image();
    copy.delete("cursor");
    if (bytes !== undefined) copy.set("cursor", bytes);
    const opened = await open({}, Disk.of(copy));
    assert.deepEqual(opened.outbox.recovered.quarantined, []);
    assert.equal(counted(opened.journal, "outbox_cursor_lost"), 1);
    await opened.outbox.append(message("new"));
    // The first segment was deleted, the second one comes again as a whole.
    assert.deepEqual(await sequences(opened), upTo(13, 5));
    await opened.outbox.close();
  }
});

test("what is not of this log is left alone, and what a later Weir wrote is set aside", async () => {
  const future = Buffer.from(image.get(NAMES.middle) ?? []);
  // A header of version 2 with a sound CRC, as a later Weir would write it.
  const { crc32 } = await import("../../../../src/outbox/log/crc.js");
  future.writeUInt16LE(2, 8);
  future.writeUInt32LE(crc32(future, 0, 16), 16);
  const copy = new Map(image).set(NAMES.middle, future);
  for (const name of ["README", "1.seg", "00000000000000x.seg", "000000000000000.seg", "lock.x"])
    copy.set(name, Buffer.from("?"));
  const disk = Disk.of(copy);
  const opened = await open({}, disk);
  assert.deepEqual(opened.outbox.recovered.quarantined, [{ file: NAMES.middle, first: 5, last: 8 }]);
  assert.deepEqual(disk.image().get(NAMES.middle.replace("seg", "corrupt")), future);
  assert.equal(disk.names.has("README"), true);
  assert.deepEqual(
    await sequences(opened),
    upTo(12).filter((sequence) => sequence < 5 || sequence > 8),
  );
  await opened.outbox.close();
});

test("a segment that the medium does not give is lost and told; one that this user may not read stops the opening", async () => {
  const disk = Disk.of(image);
  disk.trouble = (call, path) => (call === "read" && path.endsWith(NAMES.middle) ? systemError("EIO") : undefined);
  const opened = await open({}, disk);
  assert.deepEqual(opened.outbox.recovered.quarantined, [{ file: NAMES.middle, first: 5, last: 8 }]);
  assert.ok(disk.names.has(NAMES.middle.replace("seg", "corrupt")));
  await opened.outbox.close();

  const other = Disk.of(image);
  other.trouble = (call, path) =>
    call === "open read" && path.endsWith(NAMES.middle) ? systemError("EACCES") : undefined;
  await assert.rejects(open({}, other), { code: "OUTBOX_UNAVAILABLE", message: /\/log: EACCES/ });
});

test("whole records of another time and place do not count", async () => {
  const stale = image.get(NAMES.first)?.subarray(HEADER);
  assert.ok(stale);
  const disk = changed(killed, NAMES.last, (bytes) => Buffer.concat([bytes, stale]));
  const opened = await open({}, disk);
  assert.deepEqual(opened.outbox.recovered, { messages: 12, truncatedBytes: stale.length, quarantined: [] });
  assert.deepEqual(await sequences(opened), upTo(12));
  await opened.outbox.close();
});

test("what devices sent may look like records, at every byte: it is looked through in bounded time", async () => {
  const bytes = image.get(NAMES.last);
  assert.ok(bytes);
  const bait = Buffer.alloc(400_000);
  // Each 28 bytes claim to be a record that reaches to the end of the file.
  for (let at = 0; at + RECORD <= bait.length; at += RECORD) {
    bait.writeUInt32LE(bait.length - at, at + 4);
    bait.writeUIntLE(14, at + 8, 6);
  }
  const disk = changed(killed, NAMES.last, (whole) => Buffer.concat([whole, bait]));
  const { outbox } = await open({}, disk);
  assert.deepEqual(outbox.recovered, { messages: 12, truncatedBytes: bait.length, quarantined: [] });
  await outbox.close();
});

test("what a killed process wrote and had not synced is synced before it is given", async () => {
  const { outbox, disk } = await open({ durability: "interval", interval: 3_600_000 });
  await outbox.append(message("a"));
  await eventually(() => outbox.take() !== undefined, "it was written");
  disk.kill();
  const again = await open({}, disk);
  assert.equal((await drain(again.outbox)).length, 1);
  disk.pullPlug(() => 0);
  const third = await open({}, disk);
  assert.equal((await drain(third.outbox)).length, 1);
  for (const one of [outbox, again.outbox, third.outbox]) await one.close();
});
