import assert from "node:assert/strict";
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { diskFiles } from "../../../../src/outbox/log/files.js";
import { eventually } from "../../../support/eventually.js";
import { counted, drain, message, open, textOf } from "./fixture.js";

const run = promisify(execFile);
const ROUNDS = 6;

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "weir-outbox-"));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Appends in a process of its own and ends it in the middle of that, once it has told of `enough` messages. The last that was settled. */
async function appendAndKill(
  path: string,
  first: number,
  enough: number,
  promised: Set<number>,
  sent: Set<number>,
): Promise<number> {
  const child: ChildProcess = fork(join(import.meta.dirname, "appender.js"), [path, String(first)], {
    stdio: "inherit",
  });
  const done = once(child, "exit");
  let count = 0;
  let settled = 0;
  child.on("message", (text) => {
    const number = Number(String(text).slice(1));
    if (String(text).startsWith("=")) settled = number;
    else (String(text).startsWith("+") ? promised : sent).add(number);
    count += 1;
    if (count === enough) child.kill("SIGKILL");
  });
  const [, signal] = await done;
  assert.equal(signal, "SIGKILL");
  return settled;
}

test("kill -9 in the middle of appending, again and again: what was promised is there, once and in order", async (t) => {
  const path = await folder(t);
  const promised = new Set<number>();
  const sent = new Set<number>();
  let settled = 0;
  for (let round = 0; round < ROUNDS; round++) {
    settled = await appendAndKill(path, round * 1_000_000, 300 + round * 400, promised, sent);
    const { outbox } = await open({ folder: path, files: diskFiles });
    assert.deepEqual(outbox.recovered.quarantined, []);
    const entries = await drain(outbox);
    const numbers = entries.map((entry) => Number(textOf(entry)));
    const here = new Set(numbers);
    assert.ok((entries[0]?.sequence ?? 0) > settled, `${entries[0]?.sequence} is here again, ${settled} was settled`);
    assert.deepEqual(
      [...promised].filter((number) => !here.has(number) && !sent.has(number)),
      [],
      "promised, not acknowledged, and gone",
    );
    assert.equal(here.size, numbers.length, "twice in the log");
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      entries.map((_, index) => (entries[0]?.sequence ?? 0) + index),
    );
    await outbox.close();
  }
  assert.ok(promised.size > 1000 && settled > 100, `${promised.size} promised, ${settled} settled`);
});

test("a disk that is really full: refused, sent on, and taken again once there is room", async (t) => {
  const path = await folder(t);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=1m", "weir-test", path]);
  } catch {
    t.skip("mounting a small tmpfs needs root");
    return;
  }
  try {
    const { outbox, journal } = await open({ folder: path, files: diskFiles, segmentBytes: 100_000 });
    const kept: string[] = [];
    let refused = 0;
    for (let number = 0; number < 300; number++) {
      await outbox.append(message(String(number), 1, 10_000)).then(
        () => kept.push(String(number)),
        (error: unknown) => {
          assert.match(String(error), /ENOSPC/);
          refused += 1;
        },
      );
    }
    assert.ok(refused > 0 && kept.length > 50, `${kept.length} kept, ${refused} refused`);
    const seen: string[] = [];
    for (let number = 0; number < 40; number++) {
      const [entry] = [outbox.take()];
      assert.ok(entry);
      seen.push(textOf(entry));
      outbox.acknowledge(entry.sequence);
    }
    await eventually(() => outbox.state.fault === undefined, "deleted segments made room");
    await outbox.append(message("after"));
    kept.push("after");
    await outbox.close();
    assert.equal(counted(journal, "outbox_lost"), 0);
    const again = await open({ folder: path, files: diskFiles });
    assert.deepEqual(again.outbox.recovered.quarantined, []);
    assert.deepEqual([...seen, ...(await drain(again.outbox)).map(textOf)], kept);
    await again.outbox.close();
  } finally {
    await run("umount", [path]);
  }
});
