import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "../../../../src/bridge/session/session.js";
import { eventually } from "../../../support/eventually.js";
import { Disk, systemError } from "../../outbox/log/disk.js";
import { events, handedOver, modelOf, type Opened, open, plain } from "./fixture.js";

const BANK = 600; // bytes: less than all that is recorded here, more than the state of it
const WRITING = ["write", "sync", "open update", "open create", "rename", "syncFolder", "makeFolder", "remove"];

for (const code of ["EIO", "ENOSPC", "EROFS"]) {
  test(`${code} for a while: what is recorded resolves, it is said once, and all of it is stored once it can be`, async () => {
    const { store, disk, journal } = await open();
    const before = [handedOver(1)];
    const during: Change[] = [handedOver(3), { kind: "received", id: 9 }, handedOver(5, 7, 1)];
    await store.record(before);
    disk.trouble = (call) => (WRITING.includes(call) ? systemError(code) : undefined);
    for (const change of during) await store.record([change]);
    await eventually(() => disk.calls > 30, "it tried several times");
    assert.deepEqual(events(journal), ["bridge_session_unavailable"]);
    assert.match(journal[0]?.message ?? "", new RegExp(`/session/session cannot be written: ${code}`));
    const image = disk.image();
    disk.trouble = () => undefined;
    await eventually(() => journal.length === 2, "it can write again");
    assert.equal(journal[1]?.event, "bridge_session_available");
    const after = [handedOver(100)];
    await store.record(after);
    disk.pullPlug(() => 0);
    const again = await open({}, disk);
    assert.deepEqual(plain(again.store.recovered), modelOf([...before, ...during, ...after]));
    await again.store.close();
    // Had it crashed meanwhile, the state would be that from before, perhaps with the one that hit upon the fault.
    const crashed = await open({}, Disk.of(image));
    assert.deepEqual(plain(crashed.store.recovered).handedOver[0]?.includes(1), true);
    await crashed.store.close();
  });

  test(`${code} from the beginning: there is a store, in memory until the file can be made`, async () => {
    const disk = new Disk();
    disk.trouble = (call) => (WRITING.includes(call) ? systemError(code) : undefined);
    const { store, journal } = await open({}, disk);
    assert.equal(store.recovered.fresh, true);
    await store.record([handedOver(1)]);
    await store.record([handedOver(2)]);
    assert.deepEqual(events(journal), ["bridge_session_unavailable"]);
    disk.trouble = () => undefined;
    await eventually(() => journal.length === 2, "the file is made");
    disk.pullPlug(() => 0);
    const again = await open({}, disk);
    assert.deepEqual(plain(again.store.recovered), modelOf([handedOver(1, 2)]));
    await again.store.close();
  });
}

test("a full disk is not even noticed once the file is there, however often the banks are switched", async () => {
  const { store, disk, journal } = await open({ bankBytes: BANK });
  const size = disk.image().get("session")?.length ?? 0;
  disk.trouble = (call) => (["open create", "claim", "copy"].includes(call) ? systemError("ENOSPC") : undefined);
  for (let n = 1; n < 500; n++) {
    await store.record([{ kind: "received", id: n }]);
    await store.record([{ kind: "completed", id: n }]);
  }
  assert.deepEqual(events(journal), []);
  assert.equal(disk.image().get("session")?.length, size);
  await store.close();
});

test("what is in memory only is stored on closing, if that works", async () => {
  const { store, disk, journal } = await open({ retry: 3_600_000 });
  disk.trouble = (call) => (call === "sync" ? systemError("EIO") : undefined);
  await store.record([handedOver(1)]);
  await store.record([handedOver(2)]);
  assert.deepEqual(events(journal), ["bridge_session_unavailable"]);
  disk.trouble = () => undefined;
  await store.close();
  disk.pullPlug(() => 0);
  const again = await open({}, disk);
  assert.deepEqual(plain(again.store.recovered), modelOf([handedOver(1, 2)]));
  await again.store.close();
});

/** Records one after another; enough of them that the banks are switched. */
async function live(disk: Disk, recorded: Change[], first: number): Promise<Opened> {
  const opened = await open({ bankBytes: BANK }, disk);
  for (let n = first; n < first + 15; n++) {
    const change = handedOver(n, n, n % 2 === 0 ? 1 : 0);
    recorded.push(change);
    await opened.store.record([change]);
  }
  await opened.store.close();
  return opened;
}

test("each call goes wrong once, in each way: all is there in the end, and after a power cut too", async () => {
  const ways: readonly (readonly [string, (call: string) => Error | number | undefined])[] = [
    ["ENOSPC", () => systemError("ENOSPC")],
    ["EIO", () => systemError("EIO")],
    ["EROFS", () => systemError("EROFS")],
    ["short write", (call) => (call === "write" ? 3 : undefined)],
    ["write of nothing", (call) => (call === "write" ? 0 : undefined)],
  ];
  for (const [way, trouble] of ways) {
    for (const existing of [false, true]) {
      let calls = Number.POSITIVE_INFINITY;
      for (let bad = 1; bad <= calls; bad++) {
        const disk = new Disk();
        const recorded: Change[] = [];
        if (existing) await live(disk, recorded, 1);
        const from = disk.calls;
        let hit = "";
        disk.trouble = (call, path) => {
          if (disk.calls !== from + bad) return undefined;
          hit = `${way} at call ${bad}, ${call} ${path}`;
          return trouble(call);
        };
        const { store, journal } = await live(disk, recorded, 16);
        if (hit === "") calls = disk.calls - from;
        disk.trouble = () => undefined;
        assert.ok(journal.length <= 2, `${hit}: ${events(journal)}`);
        // An existing file that cannot be opened was void from then on.
        const lost = store.recovered.fresh && existing;
        if (existing) assert.equal(lost, events(journal).includes("bridge_session_unreadable"), hit);
        disk.pullPlug(() => 0);
        const again = await open({ bankBytes: BANK }, disk);
        assert.deepEqual(plain(again.store.recovered), modelOf(lost ? recorded.slice(15) : recorded), hit);
        assert.deepEqual(events(again.journal), [], hit);
        await again.store.close();
      }
      assert.ok(calls > 30 && Number.isFinite(calls), `${calls} calls`);
    }
  }
});

test("a file that somebody removed is made anew once that is noticed", async () => {
  const { store, disk, journal } = await open();
  await store.record([handedOver(1)]);
  disk.names.delete("session");
  disk.trouble = (call) => (call === "sync" ? systemError("EIO") : undefined);
  await store.record([handedOver(2)]);
  disk.trouble = () => undefined;
  await eventually(() => events(journal).includes("bridge_session_available"), "there is a new one");
  disk.pullPlug(() => 0);
  const again = await open({}, disk);
  assert.deepEqual(plain(again.store.recovered), modelOf([handedOver(1, 2)]));
  await again.store.close();
});

test("while it tries again, who records waits for the outcome, and is answered once that is stored", async () => {
  const { store, disk } = await open();
  disk.trouble = (call) => (call === "sync" ? systemError("EIO") : undefined);
  await store.record([handedOver(1)]);
  let during: Promise<void> | undefined;
  disk.trouble = (call) => {
    // The snapshot is on its way to the medium, without this one.
    if (call === "sync") during ??= store.record([handedOver(50)]).then(() => disk.pullPlug(() => 0));
    return undefined;
  };
  await eventually(() => during !== undefined, "it tried again");
  await during;
  const again = await open({}, disk);
  assert.deepEqual(plain(again.store.recovered).handedOver[0], [1, 50]);
  await Promise.all([store, again.store].map((one) => one.close()));
});
