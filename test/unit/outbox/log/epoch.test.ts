import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../support/eventually.js";
import { Disk, systemError } from "./disk.js";
import { counted, drain, message, open, textOf } from "./fixture.js";

test("the epoch is made with the folder, survives a power cut with the first message, and stays", async () => {
  const { outbox, disk, journal } = await open();
  const { epoch } = outbox;
  assert.match(epoch, /^[0-9a-f]{8}$/);
  await outbox.append(message("first"));
  disk.pullPlug(() => 0);
  const again = await open({}, disk);
  assert.equal(again.outbox.epoch, epoch);
  await again.outbox.append(message("a"));
  disk.kill();
  const third = await open({}, disk);
  assert.equal(third.outbox.epoch, epoch);
  for (const told of [journal, again.journal, third.journal]) assert.equal(counted(told, "outbox_epoch_new"), 0);
  assert.notEqual((await open()).outbox.epoch, epoch, "another outbox has another one");
  for (const one of [outbox, again.outbox, third.outbox]) await one.close();
});

test("missing, cut short or noise while there are segments: a new one, told once", async () => {
  const { outbox, disk } = await open();
  await outbox.append(message("a"));
  await outbox.close();
  for (const bytes of [
    undefined,
    Buffer.alloc(0),
    Buffer.from("1234567"),
    Buffer.from("12345678"),
    Buffer.alloc(9000),
  ]) {
    const image = disk.image();
    image.delete("epoch");
    if (bytes !== undefined) image.set("epoch", bytes);
    const copy = Disk.of(image);
    const opened = await open({}, copy);
    assert.equal(counted(opened.journal, "outbox_epoch_new"), 1);
    assert.notEqual(opened.outbox.epoch, outbox.epoch);
    assert.deepEqual((await drain(opened.outbox)).map(textOf), ["a"]);
    copy.pullPlug(() => 0);
    const again = await open({}, copy);
    assert.equal(again.outbox.epoch, opened.outbox.epoch);
    assert.equal(counted(again.journal, "outbox_epoch_new"), 0);
    await opened.outbox.close();
    await again.outbox.close();
  }
});

test("without a cursor sequences may begin again: under a new epoch", async () => {
  const { outbox, disk } = await open();
  await outbox.append(message("a"));
  outbox.acknowledge(outbox.take()?.sequence ?? 0);
  await outbox.close();
  const image = disk.image();
  image.delete("cursor");
  for (const name of [...image.keys()]) if (name.endsWith(".seg")) image.delete(name);
  const again = await open({}, Disk.of(image));
  await again.outbox.append(message("b"));
  assert.equal(again.outbox.take()?.sequence, 1);
  assert.notEqual(again.outbox.epoch, outbox.epoch);
  assert.equal(counted(again.journal, "outbox_epoch_new"), 0, "no message is there that had a name");
  await again.outbox.close();
});

test("nothing is appended before the epoch is on the medium", async () => {
  const disk = new Disk();
  disk.trouble = (call, path) => (path.endsWith("epoch.part") && call === "sync" ? systemError("ENOSPC") : undefined);
  const { outbox } = await open({}, disk);
  await assert.rejects(outbox.append(message("a")), { code: "OUTBOX_UNAVAILABLE", message: /ENOSPC/ });
  disk.trouble = () => undefined;
  await eventually(() => outbox.state.fault === undefined, "it could be written");
  await outbox.append(message("b"));
  disk.pullPlug(() => 0);
  const again = await open({}, disk);
  assert.equal(again.outbox.epoch, outbox.epoch);
  await again.outbox.close();
  await outbox.close();
});
