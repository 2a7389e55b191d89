import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FileWatch, type WatchOptions } from "../../../../../src/broker/access/files/watch.js";
import { eventually } from "../../../../support/eventually.js";

async function rig(t: TestContext, options: WatchOptions = { settle: 10, poll: 60_000 }) {
  const folder = mkdtempSync(join(tmpdir(), "weir-watch-"));
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  writeFileSync(one, "1");
  writeFileSync(two, "1");
  const told: string[] = [];
  const watch = await FileWatch.open([one, two], (path) => told.push(path), options);
  t.after(async () => {
    await watch.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, one, two, told, watch };
}

test("a file that is written, replaced by rename, taken away and made again", async (t) => {
  const { folder, one, told } = await rig(t);
  const changes = [
    () => appendFileSync(one, "2"),
    () => {
      writeFileSync(join(folder, "x"), "12");
      renameSync(join(folder, "x"), one);
    },
    () => unlinkSync(one),
    () => writeFileSync(one, "3"),
  ];
  for (const [index, change] of changes.entries()) {
    change();
    await eventually(() => told.length === index + 1, `change ${index} was told`);
  }
  assert.deepEqual(new Set(told), new Set([one]), "the other one did not change");
});

test("without the system's word a look now and then finds it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-watch-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // As secrets come into containers: a link to a folder that is swapped. Nothing happens in the folder of the file's name.
  const [place, file] = [join(folder, "place"), join(folder, "place", "link")];
  mkdirSync(place);
  mkdirSync(join(folder, "a"));
  mkdirSync(join(folder, "b"));
  writeFileSync(join(folder, "a", "f"), "1");
  writeFileSync(join(folder, "b", "f"), "2");
  symlinkSync(join(folder, "a"), join(folder, "data"));
  symlinkSync(join(folder, "data", "f"), file);
  const told: string[] = [];
  const watch = await FileWatch.open([file], (path) => told.push(path), { settle: 10, poll: 20 });
  t.after(() => watch.close());
  symlinkSync(join(folder, "b"), join(folder, "next"));
  renameSync(join(folder, "next"), join(folder, "data"));
  await eventually(() => told.length === 1, "the swap was told");
});

test("a file is told of once it is the same for a while, and what happens after the end is not told", async (t) => {
  const { one, two, told, watch } = await rig(t, { settle: 50, poll: 60_000 });
  const writing = setInterval(() => appendFileSync(one, "x"), 5);
  t.after(() => clearInterval(writing));
  appendFileSync(two, "x");
  await eventually(() => told.includes(two), "the quiet one was told");
  assert.ok(!told.includes(one), "it is still being written");
  clearInterval(writing);
  await eventually(() => told.includes(one), "it was told when it was done");
  await watch.close();
  const before = told.length;
  appendFileSync(one, "x");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told.length, before);
});
