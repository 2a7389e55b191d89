import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { diskFiles } from "../../../../src/outbox/log/files.js";
import { events, open, plain } from "./fixture.js";

const ROUNDS = 4;
/** So many sequences behind one that was answered, the process takes all for settled. */
const BEHIND = 200;

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "weir-session-"));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Records in a process of its own until `enough` were answered, and ends it in the middle of that. What was answered. */
async function recordAndKill(path: string, first: number, syncs: boolean, enough: number): Promise<number[]> {
  const args = [path, String(first), String(syncs), String(BEHIND)];
  const child = fork(join(import.meta.dirname, "recorder.js"), args, { stdio: "inherit" });
  const done = once(child, "exit");
  const answered: number[] = [];
  child.on("message", (sequence) => {
    answered.push(Number(sequence));
    if (answered.length === enough) child.kill("SIGKILL");
  });
  const [, signal] = await done;
  assert.equal(signal, "SIGKILL");
  return answered;
}

for (const syncs of [false, true]) {
  test(`kill -9 in the middle of recording, ${syncs ? "with" : "without"} syncs, again and again: what was answered is there`, async (t) => {
    const path = await folder(t);
    let first = 1;
    for (let round = 1; round <= ROUNDS; round++) {
      // A bank holds 300 and more of them: it was switched several times.
      const answered = await recordAndKill(path, first, syncs, 700 * round + 13);
      const { store, journal } = await open({ folder: path, files: diskFiles, bankBytes: 8192 });
      const known = plain(store.recovered).handedOver[0] ?? [];
      const last = known.at(-1) ?? 0;
      const here = new Set(known);
      const missing = answered.filter((sequence) => sequence > last - BEHIND && !here.has(sequence));
      assert.deepEqual(missing, []);
      assert.ok(last >= Math.max(...answered));
      assert.ok(known.every((sequence) => sequence % 2 === 1));
      assert.deepEqual(events(journal), []);
      await store.close();
      first = last + 2;
    }
  });
}
