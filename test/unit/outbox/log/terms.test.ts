import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../support/eventually.js";
import { type Disk, systemError } from "./disk.js";
import { drain, message, open, textOf } from "./fixture.js";

/** Names of the files that are synced from now on, `/` for the folder. */
function syncsOf(disk: Disk): string[] {
  const syncs: string[] = [];
  disk.trouble = (call, path) => {
    if (call === "syncFolder") syncs.push("/");
    if (call === "sync") syncs.push(path.replace("/log/", ""));
    return undefined;
  };
  return syncs;
}

test("what to do when it is full is each message's own", async () => {
  const { outbox, journal } = await open({ maxMessages: 2, whenFull: "drop-newest" });
  for (const text of ["a", "b"]) await outbox.append(message(text));
  await assert.rejects(outbox.append(message("c"), { whenFull: "refuse", rule: "alarms" }), { code: "OUTBOX_FULL" });
  assert.throws(() => outbox.check(message("c"), { whenFull: "refuse", rule: "alarms" }), { code: "OUTBOX_FULL" });
  outbox.check(message("c"));
  await outbox.append(message("c"), { rule: "values" });
  await outbox.append(message("d"), { whenFull: "drop-oldest", rule: "values" });
  assert.deepEqual((await drain(outbox)).map(textOf), ["b", "d"]);
  assert.deepEqual(
    journal.map(({ at, reason }) => [at, reason]),
    [
      ["up alarms", "refused"],
      ["up alarms", "refused"],
      ["up values", "newest"],
      ["up", "oldest"],
    ],
  );
  await outbox.close();
});

test("opened with none, what asks for a commit is synced with its file's name, and survives a power cut", async () => {
  const { outbox, disk } = await open({ durability: "none", segmentBytes: 200 });
  const syncs = syncsOf(disk);
  for (let n = 0; n < 10; n++) {
    await outbox.append(message(`none ${n}`));
    await eventually(() => outbox.take() !== undefined, "it was written");
  }
  assert.ok(outbox.state.segments > 1);
  assert.equal(syncs.length, 0);
  await outbox.append(message("safe"), { durability: "commit" });
  assert.ok(syncs.includes("/") && syncs.some((name) => name.endsWith(".seg")));
  disk.pullPlug(() => 0);
  const again = await open({}, disk);
  assert.ok((await drain(again.outbox)).map(textOf).includes("safe"));
  await again.outbox.close();
  await outbox.close();
});

test("opened with commit or none, what asks for an interval is not waited for, and synced within it", async () => {
  for (const durability of ["commit", "none"] as const) {
    const { outbox, disk } = await open({ durability, interval: 20 });
    const syncs = syncsOf(disk);
    await outbox.append(message("soon"), { durability: "interval" });
    assert.equal(syncs.length, 0, "it is not waited for");
    await eventually(() => syncs.some((name) => name.endsWith(".seg")), "it was synced");
    // The sync has begun; whoever asks for one is answered after it.
    await outbox.append(message("later"), { durability: "commit" });
    disk.pullPlug(() => 0);
    const again = await open({}, disk);
    assert.deepEqual((await drain(again.outbox)).map(textOf), ["soon", "later"]);
    await again.outbox.close();
    await outbox.close();
  }
});

test("opened with commit, what asks for none is answered at once, also at QoS 2", async () => {
  const { outbox, disk } = await open();
  const syncs = syncsOf(disk);
  await outbox.append(message("whenever", 2), { durability: "none" });
  await eventually(() => outbox.take() !== undefined, "it was written");
  assert.equal(syncs.filter((name) => name.endsWith(".seg")).length, 0);
  await outbox.close();
});

test("what a disk does not take counts for its rule", async () => {
  const { outbox, disk, journal } = await open({ retry: 3_600_000 });
  disk.trouble = (call) => (call === "write" ? systemError("EIO") : undefined);
  await assert.rejects(outbox.append(message("a"), { rule: "first" }), { code: "OUTBOX_UNAVAILABLE" });
  await assert.rejects(outbox.append(message("b"), { rule: "second" }), { code: "OUTBOX_UNAVAILABLE" });
  assert.throws(() => outbox.check(message("c"), { rule: "third" }), { code: "OUTBOX_UNAVAILABLE" });
  const places = journal.filter(({ reason }) => reason === "unavailable").map(({ at }) => at);
  assert.deepEqual(places, ["up first", "up second", "up third"]);
  disk.trouble = () => undefined;
  await outbox.close();
});
