import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createHold } from "../../../src/clock/hold.js";
import { provisionalTime } from "../../../src/clock/provisional.js";
import { WeirError } from "../../../src/core/errors.js";
import type { Reading } from "../../../src/core/reading.js";
import { settled } from "../router/clock.js";
import { EPOCH, handClock, notes, reading } from "./fixture.js";

function setup(bounds: { maxReadings?: number; maxBytes?: number } = {}) {
  const clock = handClock();
  const told = notes();
  const passed: Reading[] = [];
  const gate = { wait: Promise.resolve(), error: undefined as Error | undefined };
  const next = async (readings: readonly Reading[]): Promise<void> => {
    passed.push(...readings);
    await gate.wait;
    if (gate.error !== undefined) throw gate.error;
  };
  const hold = createHold({ id: "g", clock, next, journal: told.journal, ...bounds });
  const say = (device: string, value: number): Reading[] => [reading(device, value, provisionalTime(clock.ticks))];
  return { clock, told, passed, gate, hold, say };
}

/** Whether a promise has settled. */
function watch(promise: Promise<void>): { done: boolean } {
  const seen = { done: false };
  const end = (): void => {
    seen.done = true;
  };
  promise.then(end, end);
  return seen;
}

describe("readings before the clock is set", () => {
  it("are held, and dated by the monotonic clock once it is", async () => {
    const { clock, passed, hold, say, told } = setup();
    const sink = hold.sink(true);
    clock.ticks = 5_000;
    const first = watch(sink(say("a", 1)));
    clock.ticks = 65_000;
    const second = watch(sink(say("a", 2)));
    await settled();
    assert.deepEqual([passed.length, first.done, second.done, hold.held], [0, false, false, 2]);
    clock.ticks = 70_000;
    clock.set();
    await settled();
    assert.deepEqual(passed, [reading("a", 1, EPOCH + 5_000), reading("a", 2, EPOCH + 65_000)]);
    assert.deepEqual([first.done, second.done, hold.held, told.entries], [true, true, 0, []]);
  });

  it("keep the time that the device gave, behind those that came before", async () => {
    const { clock, passed, hold, say } = setup();
    const sink = hold.sink(true);
    void sink([...say("a", 1), reading("a", 2, EPOCH - 60_000)]);
    void sink([reading("a", 3, EPOCH - 50_000)]);
    clock.set();
    await settled();
    assert.deepEqual(
      passed.map(({ value, time }) => [value, time]),
      [
        [1, EPOCH],
        [2, EPOCH - 60_000],
        [3, EPOCH - 50_000],
      ],
    );
  });

  it("are dated too where they come only after it was set", async () => {
    const { clock, passed, hold, say } = setup();
    clock.ticks = 100;
    const late = say("a", 1);
    clock.ticks = 9_000;
    clock.set();
    await hold.sink(false)(late);
    assert.deepEqual(passed, [reading("a", 1, EPOCH + 100)]);
  });

  it("go on marked uncertain, and counted, once it was waited long enough; good again when it is set", async () => {
    const { clock, passed, hold, say, told } = setup();
    const sink = hold.sink(true);
    clock.ticks = 1_000;
    void sink(say("a", 1));
    void sink([{ device: "a", resource: "t", value: 2, time: provisionalTime(1_500), quality: "bad" }]);
    clock.giveUp();
    await sink(say("a", 3));
    await sink([reading("a", 4, EPOCH)]);
    assert.deepEqual(
      passed.map(({ value, time, quality }) => [value, time, quality]),
      [
        [1, clock.wrong + 1_000, "uncertain"],
        [2, clock.wrong + 1_500, "bad"],
        [3, clock.wrong + 1_000, "uncertain"],
        [4, EPOCH, "good"],
      ],
    );
    assert.equal(told.count("clock_uncertain"), 3);
    clock.set();
    await sink(say("a", 5));
    assert.deepEqual(passed.at(-1), reading("a", 5, EPOCH + 1_000));
  });

  it("do not stop a line that nobody acknowledges, and go on one batch after the other", async () => {
    const { clock, passed, hold, say, gate } = setup();
    const sink = hold.sink(false);
    await sink(say("a", 1));
    await sink(say("a", 2));
    let open = (): void => {};
    gate.wait = new Promise((resolve) => {
      open = resolve;
    });
    clock.set();
    const third = watch(sink(say("a", 3)));
    await settled();
    assert.deepEqual([passed.length, third.done], [1, false], "the second waits for the first, the third for both");
    open();
    await settled();
    assert.deepEqual([passed.map(({ value }) => value), third.done], [[1, 2, 3], true]);
  });

  it("tell of a refusal: the device where it listens, the journal where it does not", async () => {
    const { clock, hold, say, gate, told } = setup();
    const refused = hold.sink(true)(say("a", 1));
    await hold.sink(false)(say("b", 2));
    gate.error = new WeirError("OUTBOX_FULL", "there is no room");
    clock.set();
    await assert.rejects(refused, { code: "OUTBOX_FULL" });
    await settled();
    assert.equal(told.count("held_dropped"), 1);
    assert.equal(told.entries[0]?.reason, "outbox_full");
  });

  for (const bound of [{ maxReadings: 2 }, { maxBytes: 450 }]) {
    it(`make room, the oldest first and uncertain, no faster than they are taken: ${JSON.stringify(bound)}`, async () => {
      const { clock, passed, hold, say, gate, told } = setup(bound);
      const sink = hold.sink(false);
      for (const value of [1, 2]) await sink(say("a", value));
      let open = (): void => {};
      gate.wait = new Promise((resolve) => {
        open = resolve;
      });
      const third = watch(sink(say("a", 3)));
      await settled();
      assert.deepEqual([passed.map(({ value, quality }) => [value, quality]), hold.held], [[[1, "uncertain"]], 2]);
      assert.equal(third.done, false);
      open();
      await settled();
      assert.deepEqual([third.done, told.count("clock_hold_full")], [true, 1]);
      clock.set();
      await settled();
      assert.deepEqual(
        passed.map(({ value, quality }) => `${value} ${quality}`),
        ["1 uncertain", "2 good", "3 good"],
      );
    });
  }

  it("go on when the gateway stops, and nothing is held after that", async () => {
    const { passed, hold, say } = setup();
    const sink = hold.sink(false);
    await sink(say("a", 1));
    await hold.stop();
    await sink(say("a", 2));
    assert.deepEqual(
      passed.map(({ value, quality }) => `${value} ${quality}`),
      ["1 uncertain", "2 uncertain"],
    );
  });

  it("a clock that was set from the start costs nothing: the sink is the one behind", () => {
    const clock = { ...handClock(), wasSet: true };
    const next = async (): Promise<void> => {};
    assert.equal(createHold({ id: "g", clock, next, journal: () => {} }).sink(true), next);
  });

  it("none is lost, those of a link stay in order, and each is dated exactly", async () => {
    const batch = fc.record({
      link: fc.nat(2),
      after: fc.nat(5_000),
      ages: fc.array(fc.nat(60_000), { minLength: 1, maxLength: 3 }),
      own: fc.boolean(),
    });
    const runs = fc.record({
      before: fc.array(batch, { maxLength: 20 }),
      waiting: fc.array(batch, { maxLength: 10 }),
      after: fc.array(batch, { maxLength: 20 }),
      maxReadings: fc.integer({ min: 1, max: 60 }),
      end: fc.constantFrom("set", "gave up and set", "stopped"),
    });
    await fc.assert(
      fc.asyncProperty(runs, async ({ before, waiting, after, maxReadings, end }) => {
        const { clock, passed, hold } = setup({ maxReadings });
        const sinks = [hold.sink(true), hold.sink(false), hold.sink(false)];
        const sent: { link: number; value: number; right: number; own: boolean }[] = [];
        const promises: Promise<void>[] = [];
        const send = ({ link, after: pause, ages, own }: (typeof before)[number]): void => {
          clock.ticks += pause;
          const readings = ages.map((age) => {
            const value = sent.length;
            const right = EPOCH + clock.ticks - age;
            sent.push({ link, value, right, own });
            const stamp = clock.isSet ? EPOCH + clock.ticks : provisionalTime(clock.ticks);
            return reading(`${link}`, value, own ? right : stamp - age);
          });
          promises.push(sinks[link]?.(readings) ?? Promise.resolve());
        };
        before.forEach(send);
        if (end === "gave up and set") clock.giveUp();
        if (end === "stopped") void hold.stop();
        waiting.forEach(send);
        if (end !== "stopped") clock.set();
        after.forEach(send);
        await Promise.all(promises);
        await hold.stop();
        assert.equal(hold.held, 0);
        for (const link of [0, 1, 2]) {
          assert.deepEqual(
            passed.filter(({ device }) => device === `${link}`).map(({ value }) => value),
            sent.filter((one) => one.link === link).map(({ value }) => value),
          );
        }
        for (const { value, time, quality } of passed) {
          const one = sent[Number(value)];
          assert.ok(one);
          const wrong = quality === "uncertain";
          assert.equal(time, one.right - (wrong ? EPOCH - clock.wrong : 0));
          assert.ok(!(wrong && one.own), "a time of the device's own is not doubted");
        }
      }),
      { numRuns: 200 },
    );
  });
});
