import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { diskFiles } from "../../../../src/outbox/log/files.js";
import { lockFolder } from "../../../../src/outbox/log/lock.js";

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "weir-lock-"));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("one at a time, and the next one after it was given back", async (t) => {
  const path = await folder(t);
  for (let turn = 0; turn < 3; turn++) {
    const lock = await lockFolder(diskFiles, path);
    await assert.rejects(lockFolder(diskFiles, path), {
      code: "OUTBOX_LOCKED",
      message: new RegExp(`process ${process.pid} `),
    });
    await lock.release();
  }
  assert.equal((await readdir(path)).length, 1, "no files pile up");
});

test("many at once: one has it", async (t) => {
  const path = await folder(t);
  await writeFile(join(path, "lock.7"), JSON.stringify({ pid: 2 ** 22 + 1 }));
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(diskFiles, path)));
  assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
});

test("a process that is gone holds nothing: no such id, another boot, another start, or nobody at all", async (t) => {
  const stale = [
    // Above the largest id that Linux gives (PID_MAX_LIMIT).
    JSON.stringify({ pid: 2 ** 22 + 1 }),
    JSON.stringify({ pid: process.pid, started: "1" }),
    JSON.stringify({ pid: process.pid, boot: "another" }),
    JSON.stringify({ pid: -1 }),
    "",
    "null",
    "\0\0\0",
  ];
  const onLinux = process.platform === "linux";
  for (const [index, text] of stale.entries()) {
    if (!onLinux && (index === 1 || index === 2)) continue;
    const path = await folder(t);
    await writeFile(join(path, "lock.3"), text);
    await (await lockFolder(diskFiles, path)).release();
  }
});

test("who judged a lock stale before others took it and gave it back does not get it as well", async (t) => {
  const path = await folder(t);
  await writeFile(join(path, "lock.1"), JSON.stringify({ pid: 2 ** 22 + 1 }));
  let first = true;
  const slow = {
    ...diskFiles,
    claim: async (file: string, text: string): Promise<void> => {
      if (first) {
        first = false;
        await (await lockFolder(diskFiles, path)).release();
        await lockFolder(diskFiles, path);
      }
      await diskFiles.claim(file, text);
    },
  };
  await assert.rejects(lockFolder(slow, path), { code: "OUTBOX_LOCKED" });
});
