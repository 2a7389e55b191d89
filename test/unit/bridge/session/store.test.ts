import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { memorySessionStore } from "../../../../src/bridge/session/memory.js";
import type { Change } from "../../../../src/bridge/session/session.js";
import { diskFiles } from "../../../../src/outbox/log/files.js";
import { eventually } from "../../../support/eventually.js";
import { events, handedOver, modelOf, NOTHING, open, plain } from "./fixture.js";

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "weir-session-"));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const EVERYTHING: readonly Change[] = [
  handedOver(1),
  handedOver(3, 5),
  handedOver(2),
  handedOver(9, 9, 1),
  handedOver(2 ** 48 - 1),
  { kind: "parcel", first: 20, last: 29 },
  { kind: "parcel", first: 10, last: 19 },
  { kind: "received", id: 65_535 },
  { kind: "received", id: 1 },
  { kind: "received", id: 2 },
  { kind: "completed", id: 1 },
  { kind: "servers", home: "mqtts://ä:8883", clean: ["mqtts://ä:8883", "mqtt://b"] },
];

test("each kind of change is there after kill -9, with ranges that touch as one", async () => {
  const first = await open();
  assert.equal(first.store.recovered.fresh, true);
  assert.deepEqual(plain(first.store.recovered), NOTHING);
  await first.store.record(EVERYTHING);
  first.disk.kill();
  const { store, journal } = await open({}, first.disk);
  assert.equal(store.recovered.fresh, false);
  assert.deepEqual(plain(store.recovered), modelOf(EVERYTHING));
  assert.deepEqual(store.recovered.handedOver[0][0], { first: 1, last: 5 });
  assert.deepEqual(
    store.recovered.parcels.map((parcel) => parcel.first),
    [10, 20],
    "parcels that touch stay two",
  );
  assert.deepEqual(events(journal), []);
  await store.close();
});

test("a new session at the upstream forgets the old one, not the servers and what goes together", async () => {
  const { store, disk } = await open();
  await store.record(EVERYTHING);
  await store.record([{ kind: "reset" }, handedOver(7), { kind: "servers", home: undefined, clean: ["x"] }]);
  await store.close();
  const again = await open({}, disk);
  assert.deepEqual(plain(again.store.recovered), {
    ...NOTHING,
    handedOver: [[7], []],
    parcels: modelOf(EVERYTHING).parcels,
    clean: ["x"],
  });
  await again.store.close();
});

test("what is settled is forgotten on opening, save a parcel whose last is not", async () => {
  const { store, disk } = await open();
  await store.record(EVERYTHING);
  await store.close();
  const again = await open({ settled: [21, 9] }, disk);
  assert.deepEqual(again.store.recovered.handedOver, [[{ first: 2 ** 48 - 1, last: 2 ** 48 - 1 }], []]);
  assert.deepEqual(again.store.recovered.parcels, [{ first: 20, last: 29 }]);
  await again.store.close();
});

test("what is settled makes room: with few messages on their way it goes on for ever in two banks", async () => {
  const { store, disk, journal } = await open({ bankBytes: 512 });
  // Every second one, so that no ranges touch.
  for (let sequence = 1; sequence <= 1000; sequence += 2) {
    await store.record([handedOver(sequence), { kind: "parcel", first: sequence, last: sequence + 1 }]);
    if (sequence > 11) store.settled(0, sequence - 10);
  }
  assert.deepEqual(events(journal), []);
  disk.kill();
  const again = await open({ bankBytes: 512, settled: [989, 0] }, disk);
  assert.deepEqual(
    again.store.recovered.handedOver[0],
    [991, 993, 995, 997, 999].map((n) => ({ first: n, last: n })),
  );
  assert.equal(disk.image().get("session")?.length, 1024);
  await again.store.close();
});

test("a state that no bank holds stays in memory, is reported, and is stored once enough of it is settled", async () => {
  const { store, disk, journal } = await open({ bankBytes: 512 });
  for (let sequence = 1; sequence <= 200; sequence += 2) await store.record([handedOver(sequence)]);
  assert.deepEqual(events(journal), ["bridge_session_unavailable"]);
  assert.match(journal[0]?.message ?? "", /the state of \d+ bytes is larger than the 512/);
  store.settled(0, 190);
  await eventually(() => journal.length > 1, "it fits");
  assert.equal(journal[1]?.event, "bridge_session_available");
  disk.kill();
  const again = await open({ bankBytes: 512, settled: [190, 0] }, disk);
  assert.deepEqual(plain(again.store.recovered).handedOver[0], [191, 193, 195, 197, 199]);
  await again.store.close();
});

test("the state is void once an outbox is another one", async () => {
  for (const epochs of [
    ["a", "other"],
    ["other", "b"],
    ["b", "a"],
    ["", ""],
  ] as const) {
    const { store, disk } = await open();
    await store.record(EVERYTHING);
    await store.close();
    const other = await open({ epochs }, disk);
    assert.equal(other.store.recovered.fresh, true);
    assert.deepEqual(plain(other.store.recovered), NOTHING);
    assert.deepEqual(events(other.journal), ["bridge_session_void"]);
    await other.store.record([handedOver(1)]);
    disk.kill();
    // The old one does not come back.
    const again = await open({ epochs }, disk);
    assert.deepEqual(plain(again.store.recovered), modelOf([handedOver(1)]));
    disk.kill();
    assert.equal((await open({}, disk)).store.recovered.fresh, true);
  }
});

test("it waits for the medium if it syncs, and many that record at once share a write", async () => {
  for (const syncs of [true, false]) {
    const { store, disk } = await open({ syncs });
    const calls: string[] = [];
    disk.trouble = (call) => {
      calls.push(call);
      return undefined;
    };
    await Promise.all(Array.from({ length: 500 }, (_, index) => store.record([handedOver(index + 1)])));
    assert.deepEqual(calls, syncs ? ["write", "sync"] : ["write"]);
    await store.close();
  }
});

test("changes that come while a sync is under way go together with the next one", async () => {
  const { store, disk } = await open();
  let syncs = 0;
  const later: Promise<void>[] = [];
  disk.trouble = (call) => {
    if (call !== "sync") return undefined;
    syncs += 1;
    if (syncs === 1) for (let n = 2; n < 50; n++) later.push(store.record([handedOver(n)]));
    return undefined;
  };
  await store.record([handedOver(1)]);
  assert.equal(later.length, 48);
  await Promise.all(later);
  assert.equal(syncs, 2);
  await store.close();
});

test("what no session can hold is refused before any of the call is recorded", async () => {
  const { store, disk } = await open();
  const bad: readonly Change[] = [
    handedOver(0),
    handedOver(5, 4),
    handedOver(1, 2 ** 48),
    handedOver(1.5, 2),
    { kind: "parcel", first: Number.NaN, last: 1 },
    { kind: "received", id: 0 },
    { kind: "completed", id: 65_536 },
    { kind: "servers", home: "x".repeat(513), clean: [] },
    { kind: "servers", home: undefined, clean: Array.from({ length: 17 }, String) },
  ];
  for (const change of bad) await assert.rejects(store.record([handedOver(1), change]), RangeError);
  await store.close();
  await assert.rejects(store.record([handedOver(1)]), { code: "CLOSED" });
  const again = await open({}, disk);
  assert.deepEqual(plain(again.store.recovered), NOTHING);
  await again.store.close();
});

test("on a real disk: the folder is made, the file never grows, closing stores what nobody waited for", async (t) => {
  const path = join(await folder(t), "made", "here");
  const options = { folder: path, files: diskFiles, bankBytes: 4096 };
  const { store } = await open(options);
  assert.equal((await stat(join(path, "session"))).size, 8192);
  const all: Change[] = [];
  const told: Promise<void>[] = [];
  for (let n = 1; n <= 200; n += 2) {
    all.push(handedOver(n, n, n % 3 ? 0 : 1));
    told.push(store.record(all.slice(-1)));
    if (n % 5 === 0) await told.at(-1);
  }
  const closed = store.close();
  await Promise.all([...told, closed]);
  assert.equal((await stat(join(path, "session"))).size, 8192);
  const again = await open(options);
  assert.deepEqual(plain(again.store.recovered), modelOf(all));
  assert.deepEqual(events(again.journal), []);
  await again.store.close();
});

test("a bridge that keeps nothing has a store that keeps nothing", async () => {
  const store = memorySessionStore();
  assert.equal(store.recovered.fresh, true);
  assert.deepEqual(plain(store.recovered), NOTHING);
  await store.record(EVERYTHING);
  store.settled(0, 1);
  await store.close();
});
