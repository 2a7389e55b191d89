import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { eventually } from "../../../support/eventually.js";
import { systemError } from "./disk.js";
import { counted, drain, message, open, textOf } from "./fixture.js";

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

test("settled follows the prefix that is acknowledged, and after kill -9 nothing up to it comes again", async () => {
  const { outbox, disk } = await open();
  await Promise.all(numbers(5).map((text) => outbox.append(message(text))));
  const entries = await drain(outbox);
  assert.equal(outbox.settled, 0);
  outbox.acknowledge(2);
  outbox.acknowledge(1);
  assert.equal(outbox.settled, 0, "not before the cursor is written");
  await eventually(() => outbox.settled === 2, "it was written");
  outbox.acknowledge(4);
  outbox.acknowledge(entries[2]?.sequence ?? 0);
  await eventually(() => outbox.settled === 4, "it was written again");
  disk.kill();
  const again = await open({}, disk);
  assert.equal(again.outbox.settled, 4);
  assert.deepEqual((await drain(again.outbox)).map(textOf), ["5"]);
  await again.outbox.close();
  await outbox.close();
});

test("the cursor is written at once when asked, one write at a time, for all that moved meanwhile; the listener is told", async () => {
  const { outbox, disk } = await open();
  await Promise.all(numbers(30).map((text) => outbox.append(message(text))));
  const entries = await drain(outbox);
  let writing = 0;
  let writes = 0;
  let told = 0;
  outbox.onWaiting(() => (told += 1));
  disk.trouble = (call, path) => {
    if (call !== "write" || !path.endsWith("cursor")) return undefined;
    writes += 1;
    writing += 1;
    assert.equal(writing, 1, "one at a time");
    setImmediate(() => (writing -= 1));
    return undefined;
  };
  for (const { sequence } of entries.slice(0, 10)) outbox.acknowledge(sequence);
  outbox.settle();
  // The simulated disk takes two turns of the event loop for it, and it begins in this one.
  for (let turns = 0; turns < 4; turns++) await turn();
  assert.deepEqual([outbox.settled, writes, told], [10, 1, 1]);
  outbox.acknowledge(11);
  outbox.settle();
  await eventually(() => writes === 2, "the next write is under way");
  for (const { sequence } of entries.slice(11)) outbox.acknowledge(sequence);
  outbox.settle();
  await eventually(() => outbox.settled === 30, "all of it was written");
  assert.deepEqual([writes, told], [3, 3]);
  outbox.acknowledge(30);
  await turn();
  await outbox.close();
});

test("nobody asks: what is acknowledged over some turns shares one write", async () => {
  const { outbox, disk } = await open();
  await Promise.all(numbers(20).map((text) => outbox.append(message(text))));
  const entries = await drain(outbox);
  let writes = 0;
  disk.trouble = (call, path) => {
    if (call === "write" && path.endsWith("cursor")) writes += 1;
    return undefined;
  };
  for (const { sequence } of entries) {
    outbox.acknowledge(sequence);
    await turn();
  }
  await eventually(() => outbox.settled === 20, "all of it was written");
  assert.ok(writes < 10, `${writes} writes for 20 acknowledgements`);
  await outbox.close();
});

test("what was dropped or expired is settled", async () => {
  let time = 1000;
  const { outbox } = await open({ now: () => time, maxMessages: 2, whenFull: "drop-oldest" });
  await outbox.append(message("1"));
  await outbox.append(message("2"), { expiry: 10 });
  await outbox.append(message("3"));
  await eventually(() => outbox.settled === 1, "the first was dropped");
  time = 1010;
  assert.equal(outbox.take()?.sequence, 3);
  await eventually(() => outbox.settled === 2, "the second expired");
  await outbox.close();
});

test("a cursor that cannot be written is told and tried again, and does not hold up what is sent", async () => {
  const { outbox, disk, journal } = await open({ retry: 1 });
  await Promise.all(numbers(3).map((text) => outbox.append(message(text))));
  await drain(outbox);
  disk.trouble = (call, path) => (call === "write" && path.endsWith("cursor") ? systemError("EIO") : undefined);
  outbox.acknowledge(1);
  await eventually(() => outbox.settled === 1, "it went on");
  await eventually(() => counted(journal, "outbox_cursor_stuck") > 2, "it was tried again");
  disk.trouble = () => undefined;
  const before = counted(journal, "outbox_cursor_stuck");
  let written = false;
  disk.trouble = (call, path) => {
    written ||= call === "close" || (call === "write" && path.endsWith("cursor"));
    return undefined;
  };
  await eventually(() => written, "it was written without anything new");
  await turn();
  disk.kill();
  assert.ok(counted(journal, "outbox_cursor_stuck") <= before + 1);
  const again = await open({}, disk);
  assert.deepEqual((await drain(again.outbox)).map(textOf), ["2", "3"]);
  await again.outbox.close();
  await outbox.close();
});
