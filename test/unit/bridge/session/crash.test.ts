import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Change } from "../../../../src/bridge/session/session.js";
import type { Files, OpenFile } from "../../../../src/outbox/log/files.js";
import { Disk } from "../../outbox/log/disk.js";
import { anyChange } from "./changes.js";
import { events, handedOver, modelOf, open, plain } from "./fixture.js";

const BANK = 800; // bytes: what `anyChange` makes always fits

/** The disk on which a process ends once it has written so many bytes: `end` is called, and the rest of that write is not done. */
function metered(files: Files, budget: number, end: () => void): { files: Files; left: () => number } {
  let left = budget;
  const limited = (file: OpenFile): OpenFile => ({
    ...file,
    write: async (bytes, position) => {
      if (bytes.length < left) {
        left -= bytes.length;
        return file.write(bytes, position);
      }
      if (left > 0) await file.write(bytes.subarray(0, left), position);
      left = 0;
      end();
      // It never comes back to the process that is gone.
      throw new Error("gone");
    },
  });
  return {
    files: { ...files, open: async (path, how) => limited(await files.open(path, how)) },
    left: () => left,
  };
}

interface Life {
  /** One call of `record` each. */
  readonly calls: readonly (readonly Change[])[];
  /** How many calls come before somebody waits. */
  readonly together: number;
  /** How many bytes are written before the process ends. */
  readonly bytes: number;
  /** Settled in each lane before the last call. */
  readonly settled: readonly [number, number];
}

/**
 * Lives it until it is killed, or to its end. How many calls were answered before that, and how many were made.
 *
 * @param power whether the power goes too, with what of the unsynced writes reaches the medium
 */
async function live(
  disk: Disk,
  life: Life,
  settled: readonly [number, number],
  options: { syncs: boolean; power?: () => number },
): Promise<{ recovered: ReturnType<typeof plain>; told: string[]; answered: number; made: number; dead: boolean }> {
  let dead = false;
  const meter = metered(disk.files(), life.bytes, () => {
    dead = true;
    if (options.power === undefined) disk.kill();
    else disk.pullPlug(options.power);
  });
  const { store, journal } = await open({ bankBytes: BANK, files: meter.files, settled, syncs: options.syncs }, disk);
  const recovered = plain(store.recovered);
  const told = events(journal).filter((event) => event !== "bridge_session_unavailable");
  let [answered, made] = [0, 0];
  for (const [index, changes] of life.calls.entries()) {
    if (dead) break;
    if (index === life.calls.length - 1) for (const lane of [0, 1] as const) store.settled(lane, life.settled[lane]);
    const done = store.record(changes).then(() => {
      // What a dead process resolves nobody hears.
      if (!dead) answered = index + 1;
    });
    made = index + 1;
    if (index % life.together === life.together - 1) await done;
  }
  if (!dead) {
    await store.close();
    dead = dead || meter.left() === 0;
    if (options.power !== undefined && !dead) disk.pullPlug(options.power);
    else disk.kill();
  } else await store.close();
  return { recovered, told, answered, made, dead };
}

const life: fc.Arbitrary<Life> = fc.record({
  calls: fc.array(fc.array(anyChange, { minLength: 1, maxLength: 4 }), { maxLength: 40 }),
  together: fc.integer({ min: 1, max: 6 }),
  bytes: fc.integer({ min: 0, max: 3 * BANK }),
  settled: fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 15 })),
});

/** Whatever was before, the state is that of the first n calls, and n covers all that were answered. */
async function check(lives: readonly Life[], options: { syncs: boolean; power?: () => number }): Promise<void> {
  const disk = new Disk();
  // The file is made in peace.
  await (await open({ bankBytes: BANK }, disk)).store.close();
  let settled: [number, number] = [0, 0];
  /** What may be there: one of these, as changes since the beginning. */
  let possible: (readonly Change[])[] = [[]];
  for (const one of [...lives, { calls: [], together: 1, bytes: Number.POSITIVE_INFINITY, settled: [0, 0] } as const]) {
    const { recovered, told, answered, made } = await live(disk, one, settled, options);
    assert.deepEqual(told, []);
    const found = possible.find((changes) => same(modelOf(changes, settled), recovered));
    assert.ok(
      found,
      `${JSON.stringify(recovered)} is none of ${JSON.stringify(possible.map((c) => modelOf(c, settled)))}`,
    );
    possible = [];
    for (let n = answered; n <= made; n++) possible.push([...found, ...one.calls.slice(0, n).flat()]);
    // The outbox's cursor is at least where the store was told that it is.
    settled = [Math.max(settled[0], one.settled[0]), Math.max(settled[1], one.settled[1])];
  }
}

function same(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

test("kill -9 at any byte, again and again: the state is that of the first calls, all that were answered among them", async () => {
  for (const syncs of [true, false]) {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => check(lives, { syncs })),
      { numRuns: 150 },
    );
  }
});

test("a power cut at any byte, with any part of what was not synced on the medium: the same", async () => {
  const chances = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), chances, (lives, stream) =>
      check(lives, { syncs: true, power: () => stream.next().value ?? 0 }),
    ),
    { numRuns: 300 },
  );
});

test("kill -9 and a power cut at every byte of a life that switches banks several times", async () => {
  const calls = Array.from({ length: 60 }, (_, n): Change[] =>
    // The state of all of them would be more than a bank.
    n % 20 === 19 ? [{ kind: "reset" }] : [handedOver(2 * n + 1), { kind: "received", id: n + 1 }],
  );
  for (let bytes = 0; bytes < 2400; bytes += 1) {
    const one = { calls, together: 1, bytes, settled: [0, 0] } as const;
    await check([one], { syncs: false });
    if (bytes % 3 === 0) await check([one], { syncs: true, power: () => ((bytes * 7919) % 11) / 10 });
  }
});

test("killed at any byte of making the file, there is none, and nobody complains", async () => {
  for (let bytes = 0; bytes <= 2 * BANK; bytes += 50) {
    const disk = new Disk();
    const one = { calls: [[handedOver(1)]], together: 1, bytes, settled: [0, 0] } as const;
    await live(disk, one, [0, 0], { syncs: true });
    const { store, journal } = await open({ bankBytes: BANK }, disk);
    assert.deepEqual(events(journal), []);
    assert.equal(store.recovered.fresh, true);
    await store.close();
  }
});
