import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../../../../src/core/errors.js";
import { eventually } from "../../../support/eventually.js";
import { Disk, systemError, type Trouble } from "./disk.js";
import { counted, drain, message, type Opened, open, textOf } from "./fixture.js";

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

test("a disk that is full refuses what it cannot keep, says so once, and goes on by itself once it has room", async () => {
  const { outbox, disk, journal } = await open();
  await outbox.append(message("a"));
  disk.trouble = full();
  await assert.rejects(outbox.append(message("b")), {
    code: "OUTBOX_UNAVAILABLE",
    message: /cannot write to \/log: ENOSPC/,
  });
  await assert.rejects(outbox.append(message("c")), { code: "OUTBOX_UNAVAILABLE" });
  assert.throws(() => outbox.check(message("d")), { code: "OUTBOX_UNAVAILABLE" });
  await assert.rejects(outbox.append(message("e", 0)), { code: "OUTBOX_UNAVAILABLE" });
  assert.match(outbox.state.fault ?? "", /ENOSPC/);
  assert.equal(outbox.depth.messages, 1);
  disk.trouble = () => undefined;
  await eventually(() => outbox.state.fault === undefined, "it can write again");
  await outbox.append(message("f"));
  assert.equal(counted(journal, "outbox_unavailable"), 1);
  assert.equal(counted(journal, "outbox_available"), 1);
  assert.equal(counted(journal, "outbox_dropped", "unavailable"), 4);
  const entries = await drain(outbox);
  assert.deepEqual(entries.map(textOf), ["a", "f"]);
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    [1, 2],
  );
  disk.kill();
  const again = await open({}, disk);
  assert.deepEqual(again.outbox.recovered.quarantined, []);
  assert.deepEqual((await drain(again.outbox)).map(textOf), ["a", "f"]);
  await again.outbox.close();
  await outbox.close();
});

test("while the disk is full, what is there is sent, and the room that makes is used at once", async () => {
  const { outbox, disk } = await open({ segmentBytes: 100, retry: 3_600_000 });
  for (let n = 0; n < 40; n++) await outbox.append(message(String(n)));
  disk.trouble = full();
  await assert.rejects(outbox.append(message("no")), { code: "OUTBOX_UNAVAILABLE" });
  for (let n = 0; n < 20; n++) {
    const entry = outbox.take();
    assert.ok(entry);
    if (n === 10) disk.trouble = () => undefined;
    outbox.acknowledge(entry.sequence);
  }
  await eventually(() => outbox.state.fault === undefined, "a segment was deleted, and it tried again without waiting");
  await outbox.append(message("yes"));
  await outbox.close();
});

test("a disk that was full when the process ended does not keep the next one from starting and sending", async () => {
  const first = await open();
  await first.outbox.append(message("a"));
  first.disk.kill();
  const image = first.disk.image();
  await first.outbox.close();
  for (const code of ["ENOSPC", "EROFS"]) {
    const disk = Disk.of(image);
    const reading = ["makeFolder", "list", "text", "open read", "size", "read", "close"];
    disk.trouble = (call) => (reading.includes(call) ? undefined : systemError(code));
    const { outbox } = await open({}, disk);
    assert.deepEqual((await drain(outbox)).map(textOf), ["a"]);
    await assert.rejects(outbox.append(message("b")), { code: "OUTBOX_UNAVAILABLE" });
    disk.trouble = () => undefined;
    await eventually(() => outbox.state.fault === undefined, "it can write again");
    await outbox.append(message(code));
    await assert.rejects(open({}, disk), { code: "OUTBOX_LOCKED" }, "it has locked the folder since");
    disk.kill();
    const again = await open({}, disk);
    assert.deepEqual((await drain(again.outbox)).map(textOf), ["a", code]);
    await again.outbox.close();
    await outbox.close();
  }
});

/** What the steps below were promised, and what became of it. */
interface Told {
  readonly promised: string[];
  readonly acknowledged: string[];
  readonly refused: string[];
}

/** Appends, takes, acknowledges and closes; takes notes; a failure to open is none of its business. */
async function live(disk: Disk, name: string, told: Told): Promise<Opened | undefined> {
  let opened: Opened;
  try {
    opened = await open({ segmentBytes: 150 }, disk);
  } catch (error) {
    assert.ok(error instanceof WeirError, String(error));
    return undefined;
  }
  const { outbox } = opened;
  for (let n = 0; n < 6; n++) {
    const texts = [`${name}-${n}-a`, `${name}-${n}-b`];
    const results = await Promise.allSettled(texts.map((text) => outbox.append(message(text))));
    for (const [index, { status }] of results.entries()) {
      (status === "fulfilled" ? told.promised : told.refused).push(texts[index] ?? "");
    }
    const entry = outbox.take();
    if (entry === undefined) continue;
    told.acknowledged.push(textOf(entry));
    outbox.acknowledge(entry.sequence);
  }
  await outbox.close();
  return opened;
}

test("each call goes wrong once, in each way: nothing that was promised is lost or out of order, nothing is half there", async () => {
  const ways: readonly (readonly [string, (call: string) => Error | number | undefined])[] = [
    ["ENOSPC", () => systemError("ENOSPC")],
    ["EIO", () => systemError("EIO")],
    ["short write", (call) => (call === "write" ? 3 : undefined)],
    ["write of nothing", (call) => (call === "write" ? 0 : undefined)],
  ];
  for (const [way, trouble] of ways) {
    let calls = Number.POSITIVE_INFINITY;
    for (let bad = 1; bad <= calls; bad++) {
      const disk = new Disk();
      const told: Told = { promised: [], acknowledged: [], refused: [] };
      await live(disk, "one", told);
      const from = disk.calls;
      let hit = "";
      disk.trouble = (call, path) => {
        if (disk.calls !== from + bad) return undefined;
        hit = `${way} at call ${bad}, ${call} ${path}`;
        return trouble(call);
      };
      await live(disk, "two", told);
      if (hit === "") calls = disk.calls - from;
      disk.trouble = () => undefined;
      // Of what was not synced, nothing is there.
      disk.pullPlug(() => 0);
      const { outbox } = await open({}, disk);
      const left = (await drain(outbox)).map(textOf);
      await outbox.close();
      assert.deepEqual(outbox.recovered.quarantined, [], hit);
      const wanted = told.promised.filter((text) => !told.acknowledged.includes(text));
      // Beyond that, some that were acknowledged, when the cursor could not be written; and some that were refused when their sync
      // failed and cutting them off did too.
      assert.deepEqual(
        left.filter((text) => wanted.includes(text)),
        wanted,
        hit,
      );
      const known = new Set([...told.promised, ...told.refused]);
      assert.ok(
        left.every((text) => known.has(text)),
        hit,
      );
      assert.equal(new Set(left).size, left.length, hit);
    }
    assert.ok(calls > 30 && Number.isFinite(calls));
  }
});

test("a tail that could not be cut off is not read: the log goes on where the next segment begins", async () => {
  const wholes = [
    // All of the batch is in the file and its sync fails; or a part of it is.
    (call: string, path: string) => (call === "sync" && path.endsWith(".seg") ? systemError("EIO") : undefined),
    (call: string) => (call === "write" ? 50 : undefined),
  ];
  for (const whole of wholes) {
    const { outbox, disk } = await open();
    await outbox.append(message("a"));
    let writes = 0;
    disk.trouble = (call, path) => {
      if (call === "truncate") return systemError("EIO");
      if (call === "write" && writes++ > 0) return systemError("EIO");
      return whole(call, path);
    };
    await assert.rejects(Promise.all(["b", "c", "d"].map((text) => outbox.append(message(text)))), {
      code: "OUTBOX_UNAVAILABLE",
    });
    disk.trouble = () => undefined;
    await eventually(() => outbox.state.fault === undefined, "it can write again");
    await outbox.append(message("e"));
    disk.kill();
    for (let turn = 0; turn < 2; turn++) {
      const again = await open({}, disk);
      assert.deepEqual(again.outbox.recovered.quarantined, []);
      const entries = await drain(again.outbox);
      assert.deepEqual(
        entries.map((entry) => [entry.sequence, textOf(entry)]),
        [
          [1, "a"],
          [2, "e"],
        ],
      );
      await again.outbox.close();
    }
    await outbox.close();
  }
});

test("reading goes wrong for a while: it is tried again, and nothing is lost", async () => {
  const { outbox, disk, journal } = await open({ segmentBytes: 20_000 });
  for (let from = 0; from < 3000; from += 500)
    await Promise.all(Array.from({ length: 500 }, (_, index) => outbox.append(message(String(from + index)))));
  let bad = 8;
  disk.trouble = (call) =>
    ["read", "open read"].includes(call) && bad-- > 0 ? systemError(bad % 2 ? "EMFILE" : "EIO") : undefined;
  assert.equal((await drain(outbox)).length, 3000);
  assert.equal(counted(journal, "outbox_lost"), 0);
  assert.ok(counted(journal, "outbox_unreadable") > 0);
  await outbox.close();
});

test("under an interval, a sync that fails is told, and what was read meanwhile stays", async () => {
  const { outbox, disk, journal } = await open({ durability: "interval", interval: 1 });
  disk.trouble = (call, path) => (call === "sync" && path.endsWith(".seg") ? systemError("EIO") : undefined);
  await outbox.append(message("a"));
  await eventually(() => outbox.state.fault !== undefined, "the sync failed");
  disk.trouble = () => undefined;
  await eventually(() => outbox.state.fault === undefined, "it can write again");
  await outbox.append(message("b"));
  assert.deepEqual((await drain(outbox)).map(textOf), ["a", "b"]);
  assert.equal(counted(journal, "outbox_unavailable"), 1);
  await outbox.close();
});
