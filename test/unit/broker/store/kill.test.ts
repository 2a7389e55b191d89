import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { diskFiles } from "../../../../src/outbox/log/files.js";
import { events, open } from "./fixture.js";

/** Records in a process of its own and ends it in the middle of that, once it has told `enough`. */
async function recordAndKill(path: string, first: number, enough: number, told: Map<number, string>): Promise<void> {
  const child = fork(join(import.meta.dirname, "recorder.js"), [path, String(first)], { stdio: "inherit" });
  const done = once(child, "exit");
  let count = 0;
  child.on("message", (text) => {
    told.set(Number(String(text).slice(1)), String(text).slice(0, 1));
    count += 1;
    if (count === enough) child.kill("SIGKILL");
  });
  const [, signal] = await done;
  assert.equal(signal, "SIGKILL");
}

test("kill -9 in the middle of recording, again and again: what was stored is there, once and in order", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "weir-store-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  const told = new Map<number, string>();
  for (let round = 0; round < 5; round += 1) {
    await recordAndKill(path, round * 1_000_000, 300 + round * 500, told);
    const { store, model, journal } = await open({ folder: path, files: diskFiles });
    assert.equal(events(journal, "store_lost"), 0);
    const sessions = [...model.sessions()].map((session) => ({ ...session, queue: [...session.queue] }));
    const here = sessions.flatMap(({ queue }) => queue.map(({ publication }) => Number(publication.topic)));
    const missing = [...told].filter(([number, what]) => what === "+" && !here.includes(number));
    assert.deepEqual(missing, [], "stored, not settled, and gone");
    assert.equal(new Set(here).size, here.length, "twice");
    for (const { queue, nextSequence } of sessions) {
      const sequences = queue.map(({ sequence }) => sequence);
      assert.deepEqual(
        sequences,
        [...sequences].sort((a, b) => a - b),
      );
      assert.ok(nextSequence > (sequences.at(-1) ?? -1));
    }
    await store.close();
  }
  assert.ok(told.size > 1000, `${told.size} were told`);
  assert.ok((await readdir(path)).some((name) => name.endsWith(".snapshot")));
});
