import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Clock, openClock } from "../../../src/clock/clock.js";
import { EARLIEST, readLatest } from "../../../src/clock/evidence.js";
import { dated } from "../../../src/clock/provisional.js";
import { sessionByWall } from "../../../src/clock/session.js";
import type { Session } from "../../../src/core/adapter.js";
import type { Command } from "../../../src/core/command.js";
import { eventually } from "../../support/eventually.js";
import { EPOCH, notes, reading } from "./fixture.js";

interface Machine {
  readonly file: string;
  readonly timesync: string;
  wall: number;
  ticks: number;
  open(mode?: "auto" | "trust"): Promise<Clock>;
  /** Looks again; what the look does is waited for by its effects. */
  look(): void;
  readonly told: ReturnType<typeof notes>;
}

function machine(t: TestContext): Machine {
  const folder = mkdtempSync(join(tmpdir(), "weir-clock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let ring: (() => void) | undefined;
  const told = notes();
  const own: Machine = {
    file: join(folder, "state", "clock"),
    timesync: join(folder, "timesync"),
    wall: EPOCH,
    ticks: 1_000,
    told,
    open: async (mode = "auto") => {
      const clock = await openClock({
        id: "g",
        mode,
        wait: 240_000,
        file: own.file,
        timesync: own.timesync,
        now: () => own.wall,
        ticks: () => own.ticks,
        journal: told.journal,
        setTimer: (run) => {
          ring = run;
          return () => {
            ring = undefined;
          };
        },
      });
      t.after(() => clock.stop());
      return clock;
    },
    look: () => {
      const run = ring;
      assert.ok(run, "no look is due");
      ring = undefined;
      run();
    },
  };
  return own;
}

function keep(own: Machine, text: string): void {
  mkdirSync(join(own.file, ".."), { recursive: true });
  writeFileSync(own.file, text);
}

describe("the clock", () => {
  it("waits for timesyncd, dates what was stamped before, and keeps the time for the next start", async (t) => {
    const own = machine(t);
    mkdirSync(own.timesync);
    const clock = await own.open();
    let released = 0;
    clock.onRelease(() => released++);
    assert.deepEqual([clock.trusted(), clock.holding(), clock.wasSet], [false, true, false]);
    assert.deepEqual(clock.state(), { set: false, source: "none" });
    assert.equal(own.told.count("clock_unset"), 1);
    const stamp = clock.stamp();
    assert.equal(clock.now(), EPOCH);

    own.wall += 3_600_000;
    writeFileSync(join(own.timesync, "synchronized"), "");
    own.look();
    await eventually(() => clock.trusted(), "the clock is set");
    assert.deepEqual([released, clock.holding(), own.told.count("clock_set")], [1, false, 1]);
    assert.deepEqual(clock.state(), { set: true, source: "timesyncd" });
    assert.equal(clock.stamp(), EPOCH + 3_600_000);
    assert.equal(dated(reading("a", 1, stamp), clock.offset(), true).time, EPOCH + 3_600_000);
    await clock.stop();
    assert.equal(readFileSync(own.file, "utf8"), `${EPOCH + 3_600_000}\n`);
  });

  it("a time before the one that was kept is wrong, though it looks right", async (t) => {
    const own = machine(t);
    keep(own, `${EPOCH + 1}\n`);
    assert.equal((await own.open()).trusted(), false);
    own.wall += 1;
    assert.deepEqual((await own.open()).state(), { set: true, source: "plausible" });
  });

  it("a wrong time is not kept", async (t) => {
    const own = machine(t);
    mkdirSync(own.timesync);
    await (await own.open()).stop();
    assert.equal(await readLatest(own.file), undefined);
  });

  for (const [name, text] of [
    ["empty", ""],
    ["cut off", `${EPOCH}`.slice(0, 9)],
    ["noise", "\0\0\0\0"],
    ["of a time that cannot be", "999999999999999\n"],
    ["of a time before Weir", `${EARLIEST - 1}\n`],
    ["endless", "1".repeat(10_000)],
  ] as const) {
    it(`a kept time that is ${name} counts for nothing`, async (t) => {
      const own = machine(t);
      keep(own, text);
      assert.equal((await own.open()).trusted(), true);
    });
  }

  it("tells of a step while running, and keeps the new time at once", async (t) => {
    const own = machine(t);
    const clock = await own.open();
    own.ticks += 10_000;
    own.wall += 10_000 + 7_200_000;
    own.look();
    await eventually(() => own.told.count("clock_stepped") === 1, "the step is told");
    assert.match(own.told.entries[0]?.message ?? "", /7200 s behind/);
    await eventually(async () => (await readLatest(own.file)) === own.wall, "the time is kept");
    own.ticks += 10_000;
    own.wall -= 3_600_000 - 10_000;
    await eventually(() => {
      try {
        own.look();
        return true;
      } catch {
        return false;
      }
    }, "the next look is due");
    await eventually(async () => (await readLatest(own.file)) === own.wall, "the time that was set back is kept");
    assert.equal(clock.trusted(), true);
  });

  it("trusted, it asks nobody and keeps nothing, and tells of steps all the same", async (t) => {
    const own = machine(t);
    own.wall = 5_000;
    mkdirSync(own.timesync);
    const clock = await own.open("trust");
    assert.deepEqual([clock.trusted(), clock.wasSet, clock.stamp()], [true, true, 5_000]);
    own.wall = EPOCH;
    own.look();
    await eventually(() => own.told.count("clock_stepped") === 1, "the step is told");
    await clock.stop();
    assert.equal(await readLatest(own.file), undefined);
  });

  it("says once that the time cannot be kept, and goes on", async (t) => {
    const own = machine(t);
    writeFileSync(join(own.file, ".."), "a file where the folder should be");
    const clock = await own.open();
    await clock.stop();
    assert.equal(own.told.count("clock_unkept"), 1);
  });

  it("gives sessions their deadlines in the time that adapters know", async (t) => {
    const own = machine(t);
    mkdirSync(own.timesync);
    const clock = await own.open();
    let left = 0;
    const session: Session = {
      closed: Promise.resolve(),
      execute: async ({ deadline }) => {
        left = deadline - clock.stamp();
        return undefined;
      },
      close: async () => {},
    };
    const command: Command = { id: "1", device: "a", resource: "t", action: "read", deadline: clock.now() + 5_000 };
    await sessionByWall(session, clock).execute(command);
    assert.equal(left, 5_000);
    writeFileSync(join(own.timesync, "synchronized"), "");
    own.look();
    await eventually(() => clock.trusted(), "the clock is set");
    assert.equal(sessionByWall(session, clock), session);
  });
});
