import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Session } from "../../../src/core/adapter.js";
import type { Command, CommandResult } from "../../../src/core/command.js";
import { WeirError } from "../../../src/core/errors.js";
import type { Entry } from "../../../src/core/journal.js";
import type { Scalar } from "../../../src/core/reading.js";
import { createDispatcher, type Dispatcher } from "../../../src/router/index.js";
import { type FakeClock, fakeClock, settled } from "./clock.js";

interface Running {
  readonly command: Command;
  readonly answer: (value?: Scalar) => void;
  readonly fail: (error: unknown) => void;
}

interface Bench {
  readonly dispatcher: Dispatcher;
  readonly clock: FakeClock;
  /** How far the wall's clock is from the other one. */
  readonly wall: { step: number };
  /** Every command that reached a session, in that order. */
  readonly runs: Running[];
  readonly journal: Entry[];
  readonly offline: Set<string>;
  submit(id: string, more?: Partial<Command>): Promise<CommandResult>;
}

const DEADLINE = 10_000;

function bench(
  options: { opening?: Set<string>; limit?: number; remember?: number; execute?: Session["execute"] } = {},
): Bench {
  const clock = fakeClock();
  const wall = { step: 0 };
  const runs: Running[] = [];
  const journal: Entry[] = [];
  const offline = new Set<string>();
  const hang: Session["execute"] = (command) =>
    new Promise((answer, fail) => {
      runs.push({ command, answer, fail });
    });
  const session: Session = { closed: new Promise(() => {}), execute: options.execute ?? hang, close: async () => {} };
  const dispatcher = createDispatcher({
    sessionOf: (device) => (options.opening?.has(device) ? "opening" : offline.has(device) ? undefined : session),
    now: () => clock.now() + wall.step,
    ticks: clock.now,
    setTimer: clock.setTimer,
    journal: (entry) => journal.push(entry),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.remember === undefined ? {} : { remember: options.remember }),
  });
  const submit = (id: string, more: Partial<Command> = {}): Promise<CommandResult> =>
    dispatcher.submit({
      id,
      device: "air",
      resource: "fan",
      action: "write",
      value: 1,
      deadline: clock.now() + wall.step + DEADLINE,
      ...more,
    }).result;
  return { dispatcher, clock, wall, runs, journal, offline, submit };
}

const codeOf = (result: CommandResult): string => (result.ok ? "ok" : result.code);
const ids = (at: Bench): string[] => at.runs.map((run) => run.command.id);

describe("dispatcher", () => {
  it("runs one command at a time on a device, in order, and devices side by side", async () => {
    const at = bench();
    const results = [at.submit("1"), at.submit("2"), at.submit("3", { device: "sun" })];
    await settled();
    assert.deepEqual(ids(at), ["1", "3"]);
    at.runs[0]?.answer(5);
    assert.deepEqual(await results[0], { ok: true, value: 5 });
    await settled();
    assert.deepEqual(ids(at), ["1", "3", "2"]);
    at.runs[1]?.answer();
    at.runs[2]?.answer();
    assert.deepEqual(await Promise.all(results.slice(1)), [{ ok: true }, { ok: true }]);
    assert.equal(at.clock.timers, 0);
  });

  it("passes on why a command failed, whatever was thrown", async () => {
    const at = bench();
    const results = [at.submit("1"), at.submit("2")];
    await settled();
    at.runs[0]?.fail(new WeirError("ACTION_UNSUPPORTED", "fan cannot be written"));
    await settled();
    at.runs[1]?.fail("broken");
    assert.deepEqual(await results[0], { ok: false, code: "ACTION_UNSUPPORTED", message: "fan cannot be written" });
    assert.deepEqual(await results[1], { ok: false, code: "COMMAND_FAILED", message: "broken" });
  });

  it("is not stopped by a session that throws at once, or by a look-up that does", async () => {
    const at = bench({
      execute: () => {
        throw new Error("at once");
      },
    });
    assert.equal(codeOf(await at.submit("1")), "COMMAND_FAILED");
    assert.equal(codeOf(await at.submit("2")), "COMMAND_FAILED");
    const journal: Entry[] = [];
    const lost = createDispatcher({
      sessionOf: () => {
        throw new Error("lost");
      },
      now: () => 0,
      ticks: () => 0,
      journal: (entry) => journal.push(entry),
    });
    const command: Command = { id: "1", device: "air", resource: "fan", action: "read", deadline: 1 };
    assert.equal(codeOf(await lost.submit(command).result), "DEVICE_OFFLINE");
    assert.deepEqual(
      journal.map((entry) => entry.event),
      ["session_lookup_failed"],
    );
  });

  it("refuses for a link that is down, then or when its turn comes", async () => {
    const at = bench();
    at.offline.add("air");
    assert.equal(codeOf(await at.submit("1")), "DEVICE_OFFLINE");
    at.offline.clear();
    const first = at.submit("2");
    const second = at.submit("3");
    at.offline.add("air");
    at.runs[0]?.fail(new WeirError("PORT_FAILED", "gone"));
    assert.equal(codeOf(await first), "PORT_FAILED");
    assert.equal(codeOf(await second), "DEVICE_OFFLINE");
    assert.deepEqual(ids(at), ["2"]);
  });

  it("holds no more than its limit", async () => {
    const at = bench({ limit: 2 });
    const taken = [at.submit("1"), at.submit("2"), at.submit("3")];
    assert.equal(codeOf(await at.submit("4")), "COMMAND_QUEUE_FULL");
    taken.push(at.submit("5", { device: "sun" }));
    assert.deepEqual(ids(at), ["1", "5"], "another device has a queue of its own");
    at.dispatcher.close();
    assert.deepEqual((await Promise.all(taken)).map(codeOf), Array(4).fill("CLOSED"));
  });
});

describe("dispatcher: deadlines", () => {
  it("refuses what comes too late, and never runs it", async () => {
    const at = bench();
    assert.equal(codeOf(await at.submit("1", { deadline: 0 })), "COMMAND_EXPIRED");
    const first = at.submit("2");
    const second = at.submit("3", { deadline: 5000 });
    await at.clock.advance(5000);
    assert.equal(codeOf(await second), "COMMAND_EXPIRED");
    at.runs[0]?.answer();
    assert.equal(codeOf(await first), "ok");
    await settled();
    assert.deepEqual(ids(at), ["2"]);
  });

  it("looks at the clock again before it runs one", async () => {
    const at = bench();
    const first = at.submit("1");
    const second = at.submit("2");
    at.clock.set(DEADLINE + 1); // the clock was set forward: no timer has rung
    at.runs[0]?.answer();
    assert.equal(codeOf(await first), "ok");
    assert.equal(codeOf(await second), "COMMAND_EXPIRED");
    assert.deepEqual(ids(at), ["1"]);
  });

  it("does not care for a wall clock that is set while one waits, and passes the deadline on by the new one", async () => {
    for (const step of [-3_600_000, 3_600_000]) {
      const at = bench();
      const first = at.submit("1");
      const second = at.submit("2");
      const third = at.submit("3");
      await at.clock.advance(4000);
      at.wall.step = step;
      at.runs[0]?.answer();
      await settled();
      assert.equal(at.runs[1]?.command.deadline, step + DEADLINE);
      at.runs[1]?.answer();
      assert.deepEqual([codeOf(await first), codeOf(await second)], ["ok", "ok"]);
      await at.clock.advance(DEADLINE - 4000);
      assert.equal(codeOf(await third), "DEVICE_NO_ANSWER");
    }
  });

  it("waits for a link that is being opened for the first time, until the deadline", async () => {
    const opening = new Set(["air"]);
    const at = bench({ opening });
    const first = at.submit("1", { deadline: 100 });
    const second = at.submit("2");
    const third = at.submit("3");
    await at.clock.advance(100);
    assert.equal(codeOf(await first), "COMMAND_EXPIRED");
    at.dispatcher.wake(["air", "sun"]);
    assert.deepEqual(ids(at), []);
    opening.clear();
    at.dispatcher.wake(["air"]);
    assert.deepEqual(ids(at), ["2"]);
    at.offline.add("air");
    at.runs[0]?.answer();
    assert.deepEqual([codeOf(await second), codeOf(await third)], ["ok", "DEVICE_OFFLINE"]);
  });

  it("answers at the deadline, then goes on: at once if the session comes back, after a moment if not", async () => {
    const at = bench();
    const first = at.submit("1");
    const second = at.submit("2", { deadline: 60_000 });
    const third = at.submit("3", { deadline: 60_000 });
    await at.clock.advance(DEADLINE);
    assert.equal(codeOf(await first), "DEVICE_NO_ANSWER");
    assert.deepEqual(ids(at), ["1"], "the session still has it");
    at.runs[0]?.fail(new WeirError("DEVICE_NO_ANSWER", "late"));
    await settled();
    assert.deepEqual(ids(at), ["1", "2"]);
    at.runs[1]?.answer(7);
    assert.deepEqual(await second, { ok: true, value: 7 });

    const fourth = at.submit("4", { deadline: 60_000 });
    await at.clock.advance(60_000 - DEADLINE);
    assert.deepEqual([codeOf(await third), codeOf(await fourth)], ["DEVICE_NO_ANSWER", "COMMAND_EXPIRED"]);
    const fifth = at.submit("5");
    await at.clock.advance(999);
    assert.deepEqual(ids(at), ["1", "2", "3"]);
    await at.clock.advance(1);
    assert.deepEqual(ids(at), ["1", "2", "3", "5"]);
    assert.deepEqual(
      at.journal.map((entry) => entry.event),
      ["command_abandoned"],
    );
    at.runs[2]?.answer(3); // far too late: nobody is there to hear it
    at.runs[3]?.answer(5);
    assert.deepEqual(await fifth, { ok: true, value: 5 });
    assert.equal(at.clock.timers, 0);
  });
});

describe("dispatcher: ids", () => {
  it("runs an id once, and gives its result again", async () => {
    const at = bench();
    const first = at.submit("1");
    const again = at.submit("1");
    await settled();
    assert.equal(at.runs.length, 1);
    at.runs[0]?.answer(5);
    assert.deepEqual([await first, await again, await at.submit("1")], Array(3).fill({ ok: true, value: 5 }));
    assert.equal(at.runs.length, 1);
    const other = at.submit("1", { device: "sun" });
    await settled();
    assert.equal(at.runs.length, 2, "an id is of one device");
    at.runs[1]?.answer();
    await other;
  });

  it("does not let an id stand for two things", async () => {
    const at = bench();
    const first = at.submit("1", { value: Uint8Array.of(1) });
    const others = [
      { value: Uint8Array.of(2) },
      { value: "AQ==" },
      { value: 1 },
      { resource: "pump" },
      { action: "execute" },
    ] as const;
    for (const other of others) assert.equal(codeOf(await at.submit("1", other)), "COMMAND_INVALID");
    at.runs[0]?.answer();
    await first;
    assert.equal(codeOf(await at.submit("1", { value: 2 })), "COMMAND_INVALID");
    assert.equal(at.runs.length, 1);
  });

  it("tries again what never ran", async () => {
    const at = bench({ limit: 1 });
    at.offline.add("air");
    assert.equal(codeOf(await at.submit("1")), "DEVICE_OFFLINE");
    at.offline.clear();
    const busy = at.submit("busy");
    const second = at.submit("2", { deadline: 100 });
    assert.equal(codeOf(await at.submit("3")), "COMMAND_QUEUE_FULL");
    await at.clock.advance(100);
    assert.equal(codeOf(await second), "COMMAND_EXPIRED");
    at.runs[0]?.answer();
    await busy;
    for (const id of ["1", "2", "3"]) {
      const result = at.submit(id);
      await settled();
      at.runs.at(-1)?.answer();
      assert.equal(codeOf(await result), "ok");
    }
    assert.deepEqual(ids(at), ["busy", "1", "2", "3"]);
  });

  it("remembers a bounded number", async () => {
    const counted: string[] = [];
    const at = bench({
      remember: 2,
      execute: async ({ id }) => {
        counted.push(id);
        return id;
      },
    });
    for (const id of ["1", "2", "3", "3", "2", "1"]) await at.submit(id);
    assert.deepEqual(counted, ["1", "2", "3", "1"]);
  });

  it("lets a bounded number wait for the same id", async () => {
    const at = bench({ limit: 3 });
    const asked = Array.from({ length: 5 }, () => at.submit("1"));
    await settled();
    at.runs[0]?.answer();
    assert.deepEqual((await Promise.all(asked)).map(codeOf), [
      "ok",
      "ok",
      "ok",
      "COMMAND_QUEUE_FULL",
      "COMMAND_QUEUE_FULL",
    ]);
  });
});

describe("dispatcher: its end", () => {
  it("answers everybody with CLOSED, and runs nothing more", async () => {
    const at = bench();
    const results = [at.submit("1"), at.submit("2")];
    at.dispatcher.close();
    results.push(at.submit("3"));
    assert.deepEqual((await Promise.all(results)).map(codeOf), ["CLOSED", "CLOSED", "CLOSED"]);
    at.runs[0]?.answer();
    await settled();
    assert.deepEqual(ids(at), ["1"]);
    assert.equal(at.clock.timers, 0);
  });

  it("whatever comes, each command has one result by its deadline, and none runs late or beside another", async () => {
    const step = fc.record({
      pause: fc.integer({ min: 0, max: 40 }),
      takes: fc.integer({ min: 0, max: 60 }),
      within: fc.integer({ min: 0, max: 80 }),
      online: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
        let busy = 0;
        const at = bench({
          limit: 4,
          execute: (command) => {
            assert.ok(command.deadline > at.clock.now(), "never late");
            assert.equal(busy++, 0, "one at a time");
            return new Promise((resolve) => {
              at.clock.setTimer(() => {
                busy--;
                resolve(undefined);
              }, steps[Number(command.id)]?.takes ?? 0);
            });
          },
        });
        const results = [];
        for (const [index, { pause, within, online }] of steps.entries()) {
          await at.clock.advance(pause);
          if (online) at.offline.clear();
          else at.offline.add("air");
          const deadline = at.clock.now() + within;
          const result = at.submit(String(index), { deadline });
          results.push(
            result.then((one) => assert.ok(at.clock.now() <= deadline, `${codeOf(one)} after the deadline`)),
          );
        }
        await at.clock.advance(5000);
        await Promise.all(results);
        assert.equal(at.clock.timers, 0);
      }),
      { numRuns: 60 },
    );
  });
});
