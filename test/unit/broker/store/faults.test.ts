import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../../../../src/core/errors.js";
import { eventually } from "../../../support/eventually.js";
import { Disk, systemError, type Trouble } from "../../outbox/log/disk.js";
import { events, type Opened, open, publication, stored, TERMS } from "./fixture.js";

/** The disk is full from now on: nothing that needs room is done, and of a write no more than its first bytes. */
function full(): Trouble {
  let first = true;
  return (call) => {
    if (call === "write" && first) {
      first = false;
      return 5;
    }
    return ["write", "open create", "claim", "copy"].includes(call) ? systemError("ENOSPC") : undefined;
  };
}

async function works({ store }: Opened): Promise<void> {
  await eventually(
    () =>
      stored(store).then(
        () => true,
        () => false,
      ),
    "it stores again",
  );
}

/** What is there if the power goes now, with nothing that was not synced. */
async function survives({ disk, model, store }: Opened): Promise<void> {
  disk.trouble = () => undefined;
  disk.pullPlug(() => 0);
  const again = await open({}, disk);
  assert.deepEqual(again.model.state, model.state);
  assert.equal(events(again.journal, "store_lost"), 0);
  await again.store.close();
  await store.close();
}

test("a full disk: whoever waits is told, once in the journal, and nothing is lost once there is room", async () => {
  const opened = await open();
  const { store, model, disk, journal } = opened;
  model.put("a", TERMS);
  await stored(store);
  disk.trouble = full();
  model.retain(publication("one"));
  const order: string[] = [];
  const first = stored(store).catch((error: unknown) => {
    order.push("first");
    throw error;
  });
  const second = stored(store).catch(() => order.push("second"));
  await assert.rejects(first, { code: "STORE_UNAVAILABLE", message: /\/store: ENOSPC/ });
  await second;
  assert.deepEqual(order, ["first", "second"]);
  model.retain(publication("two"));
  let told: unknown;
  store.stored((error) => {
    told = error;
  });
  assert.ok(told instanceof WeirError && told.code === "STORE_UNAVAILABLE", "at once");
  const before = disk.calls;
  await eventually(() => disk.calls > before + 20, "it is tried again and again");
  assert.equal(events(journal, "store_unavailable"), 1);
  disk.trouble = () => undefined;
  await works(opened);
  assert.equal(events(journal, "store_available"), 1);
  assert.equal([...model.retained()].length, 2);
  await survives(opened);
});

test("a disk that fails for so long that memory is full: all is there once it works", async () => {
  const opened = await open();
  const { store, model, disk, journal } = opened;
  model.put("a", TERMS);
  model.put("gone", TERMS);
  const entry = { publication: publication("x"), qos: 1, retain: false, identifiers: undefined } as const;
  model.enqueue("a", entry);
  await stored(store);
  disk.trouble = full();
  model.drop("gone");
  model.settle("a", 0);
  for (let n = 0; n < 80; n += 1)
    model.retain(publication("large", { payload: Buffer.alloc(1_000_000, n), retain: true }));
  assert.equal(events(journal, "store_overflowed"), 2, "80 MB");
  await assert.rejects(stored(store), { code: "STORE_UNAVAILABLE" });
  disk.trouble = () => undefined;
  await works(opened);
  model.enqueue("a", entry);
  await stored(store);
  await survives(opened);
});

test("after a failed fsync what was written before it is not taken for stored", async () => {
  const opened = await open({ durability: "interval", interval: 30 });
  const { model, disk, journal } = opened;
  model.put("a", TERMS);
  await eventually(() => [...disk.names.keys()].some((name) => name.endsWith(".log")), "it is written");
  let failed = false;
  disk.trouble = (call, path) => {
    if (call !== "sync" || failed || !path.endsWith(".log")) return undefined;
    failed = true;
    return systemError("EIO");
  };
  model.put("b", TERMS);
  await eventually(() => events(journal, "store_available") === 1, "it failed and works again");
  await survives(opened);
});

test("a disk that was full when the process ended does not keep the next one from starting", async () => {
  const first = await open();
  first.model.put("a", TERMS);
  await first.store.close();
  for (const code of ["ENOSPC", "EROFS"]) {
    const disk = Disk.of(first.disk.image());
    const reading = ["makeFolder", "list", "text", "open read", "size", "read", "close"];
    disk.trouble = (call) => (reading.includes(call) ? undefined : systemError(code));
    const opened = await open({}, disk);
    assert.deepEqual(opened.model.state, first.model.state);
    opened.model.put("b", TERMS);
    await assert.rejects(stored(opened.store), { code: "STORE_UNAVAILABLE" });
    disk.trouble = () => undefined;
    await works(opened);
    await assert.rejects(open({}, disk), { code: "STORE_LOCKED" }, "it has locked the folder since");
    await survives(opened);
  }
});

test("what is recorded while the disk fails and never stored is told when the process ends", async () => {
  const { store, model, disk, journal } = await open();
  disk.trouble = full();
  model.put("a", TERMS);
  await assert.rejects(stored(store), { code: "STORE_UNAVAILABLE" });
  await store.close();
  assert.equal(events(journal, "store_unstored"), 1);
});

test("a folder that cannot be read is an error, and says what to do", async () => {
  const disk = new Disk();
  disk.trouble = (call) => (call === "list" ? systemError("EACCES") : undefined);
  await assert.rejects(open({}, disk), (error: unknown) => {
    assert.ok(error instanceof WeirError && error.code === "STORE_UNAVAILABLE");
    return /\/store: EACCES/.test(error.message) && error.advice.length > 0;
  });
});

test("a snapshot that cannot be written is told once, and the log goes on", async () => {
  const opened = await open({ compactBytes: 2000 });
  const { store, model, disk, journal } = opened;
  disk.trouble = (call, path) => (call === "write" && path.endsWith(".part") ? systemError("ENOSPC") : undefined);
  for (let n = 0; n < 500; n += 1) {
    model.retain(publication("same", { payload: Buffer.from(`value ${n}`) }));
    await stored(store);
  }
  assert.equal(events(journal, "store_compaction_failed"), 1);
  assert.equal(events(journal, "store_unavailable"), 0);
  const size = (): number => [...disk.image().values()].reduce((sum, { length }) => sum + length, 0);
  assert.ok(size() > 15_000);
  disk.trouble = () => undefined;
  for (let n = 0; n < 100; n += 1) {
    model.retain(publication("same", { payload: Buffer.from(`value ${n}`) }));
    await stored(store);
  }
  await eventually(() => size() < 10_000, "it is compacted");
  await survives(opened);
});

/** Changes something and waits, again and again; what was promised last. */
async function live(opened: Opened, from: number): Promise<unknown> {
  const { store, model } = opened;
  let promised = model.state;
  for (let n = from; n < from + 8; n += 1) {
    model.put(`client-${n}`, TERMS);
    model.enqueue(`client-${n}`, {
      ...{ publication: publication(`${n}`), qos: 1, retain: false, identifiers: undefined },
    });
    model.retain(publication("last", { payload: Buffer.from(`${n}`) }));
    model.drop(`client-${n - 3}`);
    await stored(store).then(
      () => {
        promised = model.state;
      },
      () => undefined,
    );
  }
  return promised;
}

test("each call goes wrong once, in each way: what was promised is there, and at the end all that was recorded", async () => {
  const ways: readonly (readonly [string, (call: string) => Error | number | undefined])[] = [
    ["ENOSPC", () => systemError("ENOSPC")],
    ["EIO", () => systemError("EIO")],
    ["short write", (call) => (call === "write" ? 3 : undefined)],
    ["write of nothing", (call) => (call === "write" ? 0 : undefined)],
  ];
  for (const [way, trouble] of ways) {
    for (const ending of ["power cut", "close"] as const) {
      let calls = Number.POSITIVE_INFINITY;
      for (let bad = 1; bad <= calls; bad += 1) {
        const disk = new Disk();
        const one = await open({ compactBytes: 300 }, disk);
        await live(one, 0);
        await one.store.close();
        const from = disk.calls;
        let hit = "";
        disk.trouble = (call, path) => {
          if (disk.calls !== from + bad) return undefined;
          hit = `${way} at call ${bad}, ${call} ${path}, ${ending}`;
          return trouble(call);
        };
        const two = await open({ compactBytes: 300 }, disk).catch((error: unknown) => {
          assert.ok(error instanceof WeirError, String(error));
        });
        if (two === undefined) continue;
        const promised = await live(two, 8);
        if (ending === "close") await two.store.close();
        if (hit === "") calls = bad;
        disk.trouble = () => undefined;
        // Of what was not synced, nothing is there.
        disk.pullPlug(() => 0);
        const { store, model, journal } = await open({}, disk);
        // What is recorded and not promised may be there or not; here it is promised with what follows, or is the end.
        const wanted = ending === "close" ? two.model.state : promised;
        const allowed = [wanted, two.model.state].map((state) => JSON.stringify(state));
        assert.ok(allowed.includes(JSON.stringify(model.state)), hit);
        assert.equal(events(journal, "store_lost"), 0, hit);
        await store.close();
        await two.store.close();
      }
      assert.ok(calls > 30 && Number.isFinite(calls), `${calls} calls`);
    }
  }
});
