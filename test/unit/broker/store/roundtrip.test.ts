import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "../../../../src/broker/store/memory.js";
import { eventually } from "../../../support/eventually.js";
import { Disk } from "../../outbox/log/disk.js";
import { events, type Opened, open, publication, stored, TERMS } from "./fixture.js";
import { stateOf } from "./model.js";

/** Something of everything that can be kept. */
function fill({ model }: Opened): void {
  const properties = {
    payloadFormatIndicator: true,
    contentType: "text/plain",
    responseTopic: "antwort/ü",
    correlationData: Buffer.from([0, 255, 1]),
    userProperties: [
      ["a", "1"],
      ["a", "zwei €"],
    ] as const,
  };
  const rich = publication("rich", { qos: 2, clientId: "sender", properties, messageExpiry: 1_800_000_000_123 });
  const bare = publication("x".repeat(300), { payload: Buffer.alloc(100_000, 7), properties: {} });
  const binary = publication("b", { properties: { payloadFormatIndicator: false, userProperties: [] } });
  model.put("a", {
    listener: "tcp://127.0.0.1:1883",
    expiry: 4_294_967_295,
    will: { publication: rich, delay: 7 },
    disconnected: undefined,
  });
  model.put("b", { listener: "tcp://127.0.0.1:1883", expiry: 1, disconnected: 1_763_890_000_123 });
  model.put("", TERMS);
  const plain = { qos: 0, noLocal: false, retainAsPublished: false } as const;
  model.subscribe("a", {
    filter: "$share/g/x/#",
    qos: 2,
    noLocal: false,
    retainAsPublished: true,
    identifier: 268_435_455,
  });
  model.subscribe("a", { filter: "gone", ...plain });
  model.subscribe("a", { filter: "+/ü", ...plain, noLocal: true });
  model.unsubscribe("a", "gone");
  for (const clientId of ["a", "b"]) {
    model.enqueue(clientId, { publication: rich, qos: 2, retain: true, identifiers: [1, 300] });
    model.enqueue(clientId, { publication: bare, qos: 1, retain: false, identifiers: undefined });
    model.enqueue(clientId, { publication: binary, qos: 1, retain: false, identifiers: [] });
  }
  model.release("a", 0);
  model.settle("a", 1);
  for (let turn = 0; turn < 5; turn += 1) {
    model.enqueue("", { publication: bare, qos: 1, retain: false, identifiers: undefined });
    model.settle("", 0);
  }
  model.receive("b", 65_535);
  model.receive("b", 1);
  model.complete("b", 1);
  model.retain({ ...rich, retain: true });
  model.retain(publication("cleared", { retain: true }));
  model.retain(publication("cleared", { retain: true, payload: Buffer.alloc(0) }));
  model.put("gone", TERMS);
  model.enqueue("gone", { publication: bare, qos: 1, retain: false, identifiers: undefined });
  model.drop("gone");
}

for (const durability of ["commit", "interval", "none"] as const) {
  test(`all that is kept is there after a restart, also of a snapshot: ${durability}`, async () => {
    const first = await open({ durability });
    fill(first);
    const wanted = first.model.state;
    await first.store.close();
    const second = await open({ durability, compactBytes: 1 }, first.disk);
    assert.deepEqual(second.model.state, wanted);
    assert.deepEqual(second.store.takeRecovered(), { sessions: [], retained: [] }, "it is given once");
    second.model.put("a", { listener: "tcp://127.0.0.1:1883", expiry: 5 });
    const changed = second.model.state;
    await eventually(
      () => [...second.disk.names.keys()].some((name) => name.endsWith(".snapshot")),
      "a snapshot is there",
    );
    await eventually(() => second.disk.names.size === 3, "what it takes the place of is gone, lock and segment remain");
    await second.store.close();
    const third = await open({ durability }, second.disk);
    assert.deepEqual(third.model.state, changed);
    assert.deepEqual(third.journal, []);
    await third.store.close();
  });
}

test("a sequence is not given twice, though the queue was empty when the process was killed", async () => {
  for (const compactBytes of [1, 1e6]) {
    const first = await open({ compactBytes });
    first.model.put("a", TERMS);
    const entry = { publication: publication("x"), qos: 1, retain: false, identifiers: undefined } as const;
    for (let n = 0; n < 3; n += 1) first.model.enqueue("a", entry);
    for (let n = 0; n < 3; n += 1) first.model.settle("a", 0);
    await stored(first.store);
    if (compactBytes === 1)
      await eventually(() => [...first.disk.names.keys()].some((name) => name.endsWith(".snapshot")), "a snapshot");
    first.disk.kill();
    const second = await open({}, first.disk);
    assert.equal(second.model.enqueue("a", entry), 3);
    await second.store.close();
    await first.store.close();
  }
});

test("a publication that many sessions queue is written once, and shared again after a restart", async () => {
  const first = await open();
  const shared = publication("s", { payload: Buffer.alloc(50_000, 1) });
  for (let n = 0; n < 1000; n += 1) first.model.put(`client-${n}`, TERMS);
  for (let n = 0; n < 1000; n += 1)
    first.model.enqueue(`client-${n}`, { publication: shared, qos: 1, retain: false, identifiers: undefined });
  await first.store.close();
  const bytes = [...first.disk.image().values()].reduce((sum, { length }) => sum + length, 0);
  assert.ok(bytes < 120_000, `${bytes} bytes`);
  for (const compactBytes of [1e9, 1]) {
    const { store, model, disk } = await open({ compactBytes }, first.disk);
    const queued = [...model.sessions()].flatMap(({ queue }) => [...queue]);
    assert.equal(new Set(queued.map(({ publication: one }) => one)).size, 1);
    // The second time there is a snapshot.
    model.put("another", TERMS);
    await stored(store);
    await eventually(() => compactBytes > 1 || disk.names.size === 3, "the snapshot is there");
    await store.close();
  }
});

test("stored calls back at once where nothing is pending, and in order otherwise", async () => {
  const { store, model } = await open();
  const order: string[] = [];
  store.stored(() => order.push("at once"));
  assert.deepEqual(order, ["at once"]);
  model.put("a", TERMS);
  store.stored(() => {
    order.push("first");
    store.stored(() => order.push("within"));
  });
  store.stored(() => order.push("second"));
  assert.equal(order.length, 1);
  await eventually(() => order.length === 4, "all are called");
  assert.deepEqual(order.slice(1), ["first", "second", "within"]);
  await store.close();
  await assert.rejects(stored(store), { code: "CLOSED" });
});

test("under interval and none nobody waits, and what is recorded is written soon", async () => {
  for (const durability of ["interval", "none"] as const) {
    const { store, model, disk } = await open({ durability, interval: 20 });
    let synced = 0;
    disk.trouble = (call) => {
      if (call === "sync") synced += 1;
      return undefined;
    };
    model.put("a", TERMS);
    let called = false;
    store.stored(() => {
      called = true;
    });
    assert.ok(called);
    await eventually(async () => {
      const copy = Disk.of(disk.image());
      const { store: other, model: seen } = await open({}, copy);
      await other.close();
      return seen.has("a");
    }, "it is written");
    if (durability === "interval") await eventually(() => synced > 0, "it is synced");
    else assert.equal(synced, 0);
    await store.close();
  }
});

test("retained updates do not let the files grow", async () => {
  const { store, model, disk } = await open({ compactBytes: 20_000 });
  let most = 0;
  for (let n = 0; n < 20_000; n += 1) {
    model.retain(publication("same", { payload: Buffer.from(`value ${n}`), retain: true }));
    if (n % 100 > 0) continue;
    await stored(store);
    most = Math.max(
      most,
      [...disk.image().values()].reduce((sum, { length }) => sum + length, 0),
    );
  }
  assert.ok(most < 60_000, `${most} bytes`);
  await store.close();
  const again = await open({}, disk);
  assert.deepEqual(again.model.state, model.state);
  await again.store.close();
});

test("a folder is one process's at a time", async () => {
  const { store, disk } = await open();
  await assert.rejects(open({}, disk), { code: "STORE_LOCKED" });
  await store.close();
  const again = await open({}, disk);
  assert.equal(events(again.journal, "store_lost"), 0);
  await again.store.close();
});

test("a store in memory keeps nothing and never waits", async () => {
  const store = memoryStore();
  store.putSession("a", TERMS);
  let called = false;
  store.stored((error) => {
    assert.equal(error, undefined);
    called = true;
  });
  assert.ok(called);
  assert.deepEqual(stateOf(store.takeRecovered()), { sessions: [], retained: [] });
  await store.close();
});
