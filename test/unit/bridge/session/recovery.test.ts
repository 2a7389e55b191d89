import assert from "node:assert/strict";
import { before, test } from "node:test";
import { encodeFrame } from "../../../../src/bridge/session/bank.js";
import type { Change } from "../../../../src/bridge/session/session.js";
import { Disk, systemError } from "../../outbox/log/disk.js";
import { events, handedOver, modelOf, NOTHING, open, plain } from "./fixture.js";

const BANK = 2048;
const HEADER = 24;

const EARLY: readonly Change[] = [handedOver(1), { kind: "received", id: 7 }];
const LATE: readonly (readonly Change[])[] = [
  [handedOver(3, 9)],
  [{ kind: "completed", id: 7 }],
  [{ kind: "parcel", first: 10, last: 20 }],
];
const ALL = [...EARLY, ...LATE.flat()];

/** `EARLY` in the snapshot of the second bank, `LATE` as frames behind it; the first bank held what was before. */
let image: Map<string, Buffer>;
/** Where each frame begins in the second bank, and where the last one ends. */
let places: number[];

before(async () => {
  const disk = new Disk();
  const first = await open({}, disk);
  await first.store.record(EARLY);
  await first.store.close();
  const { store } = await open({}, disk);
  for (const changes of LATE) await store.record(changes);
  disk.kill();
  image = disk.image();
  const bank = file(image).subarray(BANK);
  places = [bank.readUInt32LE(20)];
  for (const _ of LATE) {
    const at = places.at(-1) ?? 0;
    places.push(at + bank.readUInt32LE(at + 4));
  }
});

function file(of: ReadonlyMap<string, Buffer>): Buffer {
  const bytes = of.get("session");
  assert.ok(bytes);
  return bytes;
}

function changed(change: (bytes: Buffer) => Buffer): Disk {
  return Disk.of(new Map([["session", change(Buffer.from(file(image)))]]));
}

/** Fresh, said to be so, and good for a new beginning. */
async function isUnreadable(disk: Disk, why: RegExp, where = ""): Promise<void> {
  const { store, journal } = await open({}, disk);
  assert.equal(store.recovered.fresh, true, where);
  assert.deepEqual(plain(store.recovered), NOTHING, where);
  assert.deepEqual(events(journal), ["bridge_session_unreadable"], where);
  assert.match(journal[0]?.message ?? "", why, where);
  await store.record([handedOver(77)]);
  disk.kill();
  const again = await open({}, disk);
  assert.deepEqual(plain(again.store.recovered), modelOf([handedOver(77)]), where);
  assert.deepEqual(events(again.journal), [], where);
  await again.store.close();
}

test("the last frames end at any byte, with zeros or an older bank's frames behind it: those that are whole count", async () => {
  const [first = 0, end = 0] = [places[0], places.at(-1)];
  // As if this bank had held another snapshot of the same length before, and frames of the same lengths.
  const older = Buffer.alloc(BANK);
  const before: readonly Change[] = [
    handedOver(900),
    { kind: "received", id: 900 },
    { kind: "parcel", first: 900, last: 901 },
  ];
  for (const [index, change] of before.entries()) encodeFrame(900, [change]).copy(older, places[index]);
  for (let cut = first; cut <= end; cut++) {
    for (const behind of [Buffer.alloc(BANK), older]) {
      const disk = changed((bytes) => {
        behind.copy(bytes, BANK + cut, cut);
        return bytes;
      });
      // The last bytes of a frame may be what was there before.
      const same = (end: number): boolean => file(disk.image()).subarray(0, end).equals(file(image).subarray(0, end));
      const whole = places.filter((place) => place > first && same(BANK + place)).length;
      const { store, journal } = await open({}, disk);
      const expected = [...EARLY, ...LATE.slice(0, whole).flat()];
      assert.deepEqual(plain(store.recovered), modelOf(expected), `cut at ${cut}`);
      assert.deepEqual(events(journal), []);
      await store.close();
    }
  }
});

test("a byte that rots in the snapshot or in a frame that others follow makes the state unreadable; elsewhere it is not noticed", async () => {
  const [snapshot = 0, last = 0, end = 0] = [places[0], places.at(-2), places.at(-1)];
  for (let at = 0; at < BANK; at++) {
    for (const bank of [0, BANK]) {
      const disk = changed((bytes) => {
        bytes.writeUInt8(bytes.readUInt8(bank + at) ^ (1 << (at & 7)), bank + at);
        return bytes;
      });
      if (bank === BANK && at < last) {
        await isUnreadable(disk, at < snapshot ? /neither of its banks is sound/ : /is damaged/, `byte ${at}`);
        continue;
      }
      const { store, journal } = await open({}, disk);
      // A last frame that rots cannot be told from one that was never finished.
      const expected = bank === BANK && at < end ? [...EARLY, ...LATE.slice(0, -1).flat()] : ALL;
      assert.deepEqual(plain(store.recovered), modelOf(expected), `byte ${at}`);
      assert.deepEqual(events(journal), []);
      await store.close();
    }
  }
});

test("the bank of the higher generation counts, whichever it is, and the one before once that is torn", async () => {
  let [disk, known] = [Disk.of(image), ALL];
  for (const [newer, sequence] of [
    [0, 500],
    [BANK, 600],
  ] as const) {
    // Everything is done but the clearing of the bank before.
    let writes = 0;
    disk.trouble = (call) => (call === "write" && ++writes === 2 ? systemError("EIO") : undefined);
    const { store } = await open({}, disk);
    await store.record([handedOver(sequence)]);
    disk.kill();
    const both = file(disk.image());
    for (const bank of [0, BANK]) assert.equal(both.toString("latin1", bank, bank + 8), "WEIR-SES");
    disk = Disk.of(new Map([["session", both]]));
    both.fill(0, newer + 40, newer + 60);
    const older = await open({}, Disk.of(new Map([["session", both]])));
    assert.deepEqual(plain(older.store.recovered), modelOf(known));
    known = [...known, handedOver(sequence)];
    const latest = await open({}, Disk.of(disk.image()));
    assert.deepEqual(plain(latest.store.recovered), modelOf(known));
    await Promise.all([store, older.store, latest.store].map((one) => one.close()));
  }
});

test("a file of anything else, or of nothing, is unreadable", async () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(2 * BANK),
    Buffer.alloc(2 * BANK, 0xff),
    Buffer.from("WEIR-SES"),
    Buffer.from("WEIR-SES".padEnd(2 * BANK, "WEIR-SES")),
  ]) {
    await isUnreadable(Disk.of(new Map([["session", bytes]])), /neither of its banks is sound/);
  }
});

test("a file that was cut behind the bank that counts is read, and made anew at its full length", async () => {
  const disk = new Disk();
  const { store } = await open({}, disk);
  await store.record(ALL);
  disk.kill();
  const short = Disk.of(new Map([["session", file(disk.image()).subarray(0, BANK)]]));
  const again = await open({}, short);
  assert.deepEqual(plain(again.store.recovered), modelOf(ALL));
  assert.deepEqual(events(again.journal), []);
  assert.equal(file(short.image()).length, 2 * BANK);
  short.kill();
  assert.deepEqual(plain((await open({}, short)).store.recovered), modelOf(ALL));
});

test("a sector that cannot be read, or a file that is another user's, does not keep the bridge from starting", async () => {
  for (const [bad, code] of [
    ["read", "EIO"],
    ["open read", "EACCES"],
  ] as const) {
    const disk = Disk.of(image);
    disk.trouble = (call) => (call === bad ? systemError(code) : undefined);
    const { store, journal } = await open({}, disk);
    assert.equal(store.recovered.fresh, true);
    assert.deepEqual(events(journal), ["bridge_session_unreadable"]);
    await store.close();
  }
  const disk = Disk.of(image);
  let times = 2;
  disk.trouble = (call) => (call === "read" && times-- > 0 ? systemError("EIO") : undefined);
  const { store } = await open({}, disk);
  assert.deepEqual(plain(store.recovered), modelOf(ALL), "a loose cable");
  await store.close();
});

test("the header of the bank that was left is cleared", () => {
  assert.deepEqual(file(image).subarray(0, HEADER), Buffer.alloc(HEADER));
});
