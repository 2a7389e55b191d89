import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../support/eventually.js";
import { counted, drain, message, open, textOf } from "./fixture.js";

test("full, drop-oldest drops the oldest that waits, never one that was taken", async () => {
  const { outbox, journal } = await open({ maxMessages: 4, whenFull: "drop-oldest" });
  for (const text of ["a", "b", "c", "d"]) await outbox.append(message(text));
  const taken = outbox.take();
  assert.ok(taken);
  await outbox.append(message("e"));
  assert.equal(outbox.depth.messages, 4);
  assert.deepEqual((await drain(outbox, 1)).map(textOf), ["c", "d", "e"]);
  assert.equal(counted(journal, "outbox_dropped", "oldest"), 1);
  await outbox.close();
});

test("full of taken messages, drop-oldest drops the new one", async () => {
  const { outbox, journal } = await open({ maxMessages: 1, whenFull: "drop-oldest" });
  await outbox.append(message("a"));
  outbox.take();
  await outbox.append(message("b"));
  assert.equal(outbox.depth.messages, 1);
  assert.equal(counted(journal, "outbox_dropped", "newest"), 1);
  await outbox.close();
});

test("more at once than there is room for: the last ones are kept, and the bound is never passed", async () => {
  const { outbox, journal } = await open({ maxMessages: 3000, whenFull: "drop-oldest", segmentBytes: 10_000 });
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, outbox.depth.messages)), 0);
  await Promise.all(Array.from({ length: 9000 }, (_, index) => outbox.append(message(String(index)))));
  clearInterval(watch);
  assert.ok(most <= 3000, `${most}`);
  assert.equal(counted(journal, "outbox_dropped", "oldest"), 6000);
  const texts = (await drain(outbox)).map(textOf);
  assert.equal(texts.length, 3000);
  assert.deepEqual([texts[0], texts.at(-1)], ["6000", "8999"]);
  await outbox.close();
});

test("dropped behind one that is taken for ever, whole segments are deleted and not missed later", async () => {
  const { outbox, disk } = await open({ maxMessages: 50, whenFull: "drop-oldest", segmentBytes: 1000 });
  await outbox.append(message("held"));
  assert.ok(outbox.take());
  for (let index = 0; index < 500; index++) await outbox.append(message(String(index)));
  const count = (): number => [...disk.names.keys()].filter((name) => name.endsWith(".seg")).length;
  await eventually(() => count() < 6, "what was dropped is deleted");
  disk.kill();
  const again = await open({ maxMessages: 50, whenFull: "drop-oldest" }, disk);
  assert.deepEqual(again.outbox.recovered.quarantined, []);
  const texts = (await drain(again.outbox)).map(textOf);
  assert.equal(texts[0], "held");
  assert.equal(texts.at(-1), "499");
  await again.outbox.close();
  await outbox.close();
});

test("full, drop-newest keeps what it has", async () => {
  const { outbox, journal } = await open({ maxMessages: 1, whenFull: "drop-newest" });
  await outbox.append(message("a"));
  await outbox.append(message("b"));
  assert.deepEqual((await drain(outbox)).map(textOf), ["a"]);
  assert.equal(counted(journal, "outbox_dropped", "newest"), 1);
  await outbox.close();
});

test("full, refuse rejects and so says check, and takes again once there is room", async () => {
  const { outbox, journal } = await open({ maxBytes: 15 });
  await outbox.append(message("abcdef"));
  assert.throws(() => outbox.check(message("gh")), { code: "OUTBOX_FULL" });
  await assert.rejects(outbox.append(message("gh")), {
    code: "OUTBOX_FULL",
    message: /bridge up holds 1 messages, 14 bytes/,
  });
  assert.equal(counted(journal, "outbox_dropped", "refused"), 2);
  const entry = outbox.take();
  assert.ok(entry);
  outbox.acknowledge(entry.sequence);
  outbox.acknowledge(entry.sequence);
  outbox.check(message("gh"));
  await outbox.append(message("gh"));
  assert.deepEqual(outbox.depth, { messages: 1, bytes: 6, oldest: 7 });
  await outbox.close();
});

test("a message larger than the bound never pushes the others out", async () => {
  const { outbox, journal } = await open({ maxBytes: 100, whenFull: "drop-oldest" });
  await outbox.append(message("a"));
  await outbox.append(message("huge", 1, 101));
  assert.equal(outbox.depth.messages, 1);
  assert.equal(counted(journal, "outbox_dropped", "newest"), 1);
  await outbox.close();
});

test("opened with bounds below what is there, the next message makes room for itself", async () => {
  const { outbox, disk } = await open();
  for (let index = 0; index < 10; index++) await outbox.append(message(String(index)));
  await outbox.close();
  const again = await open({ maxMessages: 3, whenFull: "drop-oldest" }, disk);
  await again.outbox.append(message("new"));
  assert.deepEqual((await drain(again.outbox)).map(textOf), ["8", "9", "new"]);
  await again.outbox.close();
});
