import assert from "node:assert/strict";
import { before, test } from "node:test";
import { encodeHeader } from "../../../../src/broker/store/file.js";
import { crc32 } from "../../../../src/outbox/log/crc.js";
import { eventually } from "../../../support/eventually.js";
import { Disk, systemError } from "../../outbox/log/disk.js";
import { events, open, publication, stored, TERMS } from "./fixture.js";

const HEADER = 20;

/** A segment as a process left it that was killed: each frame holds one step. */
let image: ReadonlyMap<string, Buffer>;
let name: string;
/** Where frames begin, and where the last one ends; and the state after each of them. */
let places: number[];
let states: unknown[];

before(async () => {
  const { store, model, disk } = await open();
  states = [model.state];
  const entry = { publication: publication("x"), qos: 1, retain: false, identifiers: undefined } as const;
  const steps = [
    () => model.put("a", TERMS),
    () => model.enqueue("a", entry),
    () => model.retain(publication("r", { retain: true })),
    () => model.enqueue("a", { ...entry, publication: publication("second") }),
    () => model.settle("a", 0),
  ];
  for (const step of steps) {
    step();
    await stored(store);
    states.push(model.state);
  }
  image = disk.image();
  await store.close();
  name = [...image.keys()].find((one) => one.endsWith(".log")) ?? "";
  const bytes = image.get(name);
  assert.ok(bytes);
  places = [HEADER];
  for (let at = HEADER; at < bytes.length; ) {
    at += bytes.readUInt32LE(at + 4);
    places.push(at);
  }
  assert.equal(places.length, states.length);
});

function changed(change: (bytes: Buffer) => Buffer): Disk {
  const bytes = image.get(name);
  assert.ok(bytes);
  return Disk.of(new Map(image).set(name, change(Buffer.from(bytes))));
}

test("a segment that ends at any byte, with nothing, zeros or noise behind it, holds the frames that were whole", async () => {
  const noise = Buffer.from(Array.from({ length: 60 }, (_, index) => (index * 167 + 13) & 0xff));
  for (let end = 0; end <= (places.at(-1) ?? 0); end += 1) {
    for (const tail of [Buffer.alloc(0), Buffer.alloc(60), noise]) {
      const disk = changed((bytes) => Buffer.concat([bytes.subarray(0, end), tail]));
      // A tail of zeros may be what was cut off.
      const [found, original] = [disk.image().get(name), image.get(name)];
      const whole = places.filter(
        (place) => place > HEADER && original && found?.subarray(0, place).equals(original.subarray(0, place)),
      ).length;
      const { store, model, journal } = await open({}, disk);
      assert.deepEqual(model.state, states[whole], `cut at ${end}`);
      assert.equal(events(journal, "store_lost"), 0, `cut at ${end}`);
      model.put("new", TERMS);
      await store.close();
      const again = await open({}, disk);
      assert.deepEqual(again.model.state, model.state, `cut at ${end}`);
      assert.deepEqual(again.journal, [], "what was cut off is told once");
      await again.store.close();
    }
  }
});

test("a byte that rots anywhere costs its frame, and what comes after it counts", async () => {
  for (let at = 0; at < (places.at(-2) ?? 0); at += 1) {
    const disk = changed((bytes) => {
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at & 7)), at);
      return bytes;
    });
    const { store, model, journal } = await open({}, disk);
    const frame = places.findIndex((place) => place > at) - 1;
    assert.equal(events(journal, "store_lost"), at < HEADER ? 0 : 1, `at ${at}`);
    if (at < HEADER) assert.deepEqual(model.state, states.at(-1));
    // All but the first, without which there is no session for them.
    if (frame !== 2) assert.equal([...model.retained()].length, 1, `at ${at}`);
    const next = [...model.sessions()].map((session) => session.nextSequence);
    if (frame > 0) assert.deepEqual(next, [frame === 3 ? 1 : 2], `at ${at}`);
    model.put("new", TERMS);
    await stored(store);
    if (at >= HEADER)
      await eventually(() => [...disk.names.keys()].includes(`${name}.corrupt`), "a snapshot replaces it, it is kept");
    await store.close();
    const again = await open({}, disk);
    assert.deepEqual(again.model.state, model.state, `at ${at}`);
    assert.deepEqual(again.journal, [], "told once");
    await again.store.close();
  }
});

test("a length of 4 GiB and frames of another file are not believed", async () => {
  const lengths = [0xffff_ffff, 2 ** 28, 0, 11, 12];
  for (const length of lengths) {
    const disk = changed((bytes) => {
      bytes.writeUInt32LE(length, (places[1] ?? 0) + 4);
      return bytes;
    });
    const { store, journal, model } = await open({}, disk);
    assert.equal(events(journal, "store_lost"), 1);
    assert.equal([...model.retained()].length, 1, "what follows is found");
    await store.close();
  }
  const other = changed((bytes) => {
    for (const place of places.slice(0, -1)) bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    return bytes;
  });
  const { store, model } = await open({}, other);
  assert.deepEqual(model.state, states[0]);
  await store.close();
});

test("a sector that cannot be read costs what is in it; a file that cannot be read is set aside", async () => {
  const { store, model, disk } = await open();
  for (let n = 0; n < 400; n += 1) {
    model.put(`client-${n}`, TERMS);
    model.retain(publication(`topic-${n}`, { payload: Buffer.alloc(100, n) }));
    if (n % 10 === 0) await stored(store);
  }
  await store.close();
  const files = disk.files();
  const bad = { from: 20_000, to: 20_001 };
  const options = {
    files: {
      ...files,
      open: async (path: string, how: "read" | "update" | "create") => {
        const file = await files.open(path, how);
        return {
          ...file,
          read: (into: Uint8Array, position: number) =>
            position < bad.to && position + into.length > bad.from
              ? Promise.reject(systemError("EIO"))
              : file.read(into, position),
        };
      },
    },
  };
  const salvaged = await open(options, disk);
  const left = [...salvaged.model.retained()].length;
  assert.ok(left > 330 && left < 400, `${left} of 400 are left`);
  assert.equal(events(salvaged.journal, "store_lost"), 1);
  await salvaged.store.close();
  disk.trouble = (call, path) => (call === "open read" && path.endsWith(".log") ? systemError("EIO") : undefined);
  const nothing = await open({}, disk);
  assert.ok(events(nothing.journal, "store_lost") > 0);
  assert.ok([...disk.names.keys()].some((one) => one.endsWith(".log.corrupt")));
  await nothing.store.close();
});

test("a damaged snapshot gives what is sound of it, and a file of a later version is set aside", async () => {
  const { store, model, disk } = await open({ compactBytes: 1 });
  for (let n = 0; n < 1000; n += 1) model.retain(publication(`topic-${n}`, { payload: Buffer.alloc(100, n) }));
  await stored(store);
  const snapshot = (): string | undefined => [...disk.names.keys()].find((one) => one.endsWith(".snapshot"));
  await eventually(() => snapshot() !== undefined && disk.names.size === 3, "a snapshot is there");
  disk.kill();
  const kept = disk.image();
  await store.close();
  const file = snapshot() ?? "";
  const bytes = kept.get(file);
  assert.ok(bytes);
  const rotten = Buffer.from(bytes);
  rotten.fill(0, 50_000, 50_100);
  const damaged = await open({}, Disk.of(new Map(kept).set(file, rotten)));
  const left = [...damaged.model.retained()].length;
  assert.ok(left > 700 && left < 1000, `${left} of 1000 are left`);
  assert.ok(events(damaged.journal, "store_lost") > 0);
  await damaged.store.close();
  const cut = await open({}, Disk.of(new Map(kept).set(file, bytes.subarray(0, 60_000))));
  assert.ok(events(cut.journal, "store_lost") > 0);
  await cut.store.close();
  const header = encodeHeader(1);
  header.writeUInt16LE(2, 8);
  header.writeUInt32LE(crc32(header, 0, 16), 16);
  const later = Disk.of(new Map(kept).set(file, Buffer.concat([header, bytes.subarray(20)])));
  const opened = await open({}, later);
  assert.ok([...later.names.keys()].includes(`${file}.corrupt`));
  assert.ok(events(opened.journal, "store_lost") > 0);
  await opened.store.close();
});
