import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Reading, Scalar } from "../../../src/core/reading.js";
import type { Report } from "../../../src/router/policy.js";
import { onReading, onTime, type ReportState, timeLeft } from "../../../src/router/report.js";

function reading(value: Scalar, quality: Reading["quality"] = "good"): Reading {
  return { device: "air", resource: "t", value, time: 0, quality };
}

/** Plays values through a rule, one each ms unless a time is given, and says what became of each. */
function play(rule: Report, steps: readonly (Scalar | [at: number, value: Scalar])[]): string[] {
  let state: ReportState | undefined;
  return steps.map((step, index) => {
    const [at, value] = Array.isArray(step) ? step : [index, step];
    const verdict = onReading(state, reading(value), rule, at);
    state = verdict.state;
    return verdict.reason;
  });
}

describe("report rules", () => {
  it("every: each reading", () => {
    assert.deepEqual(play({ on: "every" }, [1, 1, 1]), ["every", "every", "every"]);
  });

  it("change: what differs from the last reported one", () => {
    const rule = { on: "change" } as const;
    assert.deepEqual(play(rule, [1, 1, 1.0001, 1.0001]), ["first", "unchanged", "change", "unchanged"]);
    assert.deepEqual(play(rule, ["a", "a", "b"]), ["first", "unchanged", "change"]);
    assert.deepEqual(play(rule, [true, true, false]), ["first", "unchanged", "change"]);
    assert.deepEqual(play(rule, [1, "1", true]), ["first", "change", "change"]);
    assert.deepEqual(play(rule, [0, -0, Number.NaN, Number.NaN, 1]), [
      "first",
      "unchanged",
      "change",
      "unchanged",
      "change",
    ]);
    const infinite = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    assert.deepEqual(play(rule, infinite), ["first", "unchanged", "change"]);
    const bytes = [Uint8Array.of(1, 2), Uint8Array.of(1, 2), Uint8Array.of(1, 3), Uint8Array.of(1)];
    assert.deepEqual(play(rule, bytes), ["first", "unchanged", "change", "change"]);
  });

  it("deadband: around the value last reported, so that a drift shows", () => {
    const absolute = { on: "change", deadband: { absolute: 0.5 } } as const;
    assert.deepEqual(play(absolute, [20, 20.5, 19.5, 20.51]), ["first", "unchanged", "unchanged", "change"]);
    assert.deepEqual(play(absolute, [20, 20.3, 20.6, 20.9, 21.2]), [
      "first",
      "unchanged",
      "change",
      "unchanged",
      "change",
    ]);
    const percent = { on: "change", deadband: { percent: 10 } } as const;
    assert.deepEqual(play(percent, [-200, -220, -220.1]), ["first", "unchanged", "change"]);
    assert.deepEqual(play(percent, [0, 0, 0.001]), ["first", "unchanged", "change"]);
    const both = { on: "change", deadband: { absolute: 5, percent: 10 } } as const;
    assert.deepEqual(play(both, [10, 11, 11.5]), ["first", "unchanged", "change"], "percent alone is enough");
    assert.deepEqual(play(both, [1000, 1005, 1006]), ["first", "unchanged", "change"], "absolute alone is enough");
    assert.deepEqual(play({ on: "change", deadband: { absolute: 5 } }, ["a", "b"]), ["first", "change"]);
  });

  it("quality: a change is reported whatever the value and the interval", () => {
    const rule = { on: "change", deadband: { absolute: 5 }, minInterval: 1000 } as const;
    const first = onReading(undefined, reading(1), rule, 0);
    const bad = onReading(first.state, reading(1, "bad"), rule, 1);
    assert.deepEqual([bad.report, bad.reason], [true, "quality"]);
    const good = onReading(bad.state, reading(1), rule, 2);
    assert.deepEqual([good.report, good.reason], [true, "quality"]);
  });

  it("minInterval: holds back, then sends the latest", () => {
    const rule = { on: "change", minInterval: 1000 } as const;
    assert.deepEqual(
      play(rule, [
        [0, 1],
        [1, 2],
        [999, 3],
        [1000, 4],
        [1001, 4],
      ]),
      ["first", "held", "held", "change", "unchanged"],
    );
    const first = onReading(undefined, reading(1), rule, 0);
    assert.equal(timeLeft(first.state, rule, 0), undefined);
    const held = onReading(first.state, reading(2), rule, 300);
    const back = onReading(held.state, reading(1), rule, 400);
    assert.equal(timeLeft(back.state, rule, 400), 600);
    assert.equal(onTime(back.state, rule, 999), undefined);
    const verdict = onTime(back.state, rule, 1000);
    assert.deepEqual([verdict?.reason, verdict?.state.reported.value], ["interval", 1]);
    assert.equal(onReading(back.state, reading(1), rule, 1000).reason, "interval");
  });

  it("heartbeat: the latest reading again, with its own time", () => {
    const rule = { on: "change", deadband: { absolute: 1 }, heartbeat: 60_000 } as const;
    const first = onReading(undefined, { ...reading(1), time: 7 }, rule, 0);
    const later = onReading(first.state, { ...reading(1.5), time: 8 }, rule, 100);
    assert.equal(timeLeft(later.state, rule, 100), 59_900);
    const verdict = onTime(later.state, rule, 60_000);
    assert.equal(verdict?.reason, "heartbeat");
    assert.deepEqual(verdict?.state, {
      reported: { ...reading(1.5), time: 8 },
      latest: { ...reading(1.5), time: 8 },
      at: 60_000,
      held: false,
    });
    assert.equal(onReading(later.state, reading(1), rule, 60_000).reason, "heartbeat");
  });

  it("heartbeat: never sooner than the minimum interval", () => {
    const rule = { on: "change", heartbeat: 10, minInterval: 1000 } as const;
    const first = onReading(undefined, reading(1), rule, 0);
    assert.equal(timeLeft(first.state, rule, 0), 1000);
    assert.equal(onReading(first.state, reading(1), rule, 500).reason, "unchanged");
  });

  it("a clock that is set back delays nothing for ever", () => {
    const rule = { on: "change", heartbeat: 5000, minInterval: 1000 } as const;
    const first = onReading(undefined, reading(1), rule, 1_000_000);
    assert.equal(onReading(first.state, reading(2), rule, 0).reason, "change");
    assert.equal(timeLeft(first.state, rule, 0), 5000);
  });
});

describe("report rules, whatever comes", () => {
  const step = fc.tuple(
    fc.integer({ min: 0, max: 500 }),
    fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
  );
  const positive = fc.integer({ min: 1, max: 40 });
  const rules: fc.Arbitrary<Report> = fc.record(
    {
      on: fc.constant("change" as const),
      deadband: fc.record({ absolute: positive, percent: positive }, { requiredKeys: [] }),
      minInterval: fc.integer({ min: 1, max: 800 }),
      heartbeat: fc.integer({ min: 1, max: 2000 }),
    },
    { requiredKeys: ["on"] },
  );

  /** Says when and what the far side gets, timers played as they come due. */
  function deliver(
    rule: Report,
    steps: readonly [number, number][],
    check: (told: Reading, latest: Reading, since: number) => void,
  ): void {
    let state: ReportState | undefined;
    let at = 0;
    for (const [pause, value] of steps) {
      const next = at + pause;
      for (;;) {
        const left: number | undefined = state && timeLeft(state, rule, at);
        if (state === undefined || left === undefined || at + left > next) break;
        at += left;
        const verdict = onTime(state, rule, at);
        assert.ok(verdict, "a timer that rings has something to report");
        if (rule.on === "change") assert.ok(at - state.at >= (rule.minInterval ?? 0));
        state = verdict.state;
      }
      at = next;
      const verdict = onReading(state, reading(value), rule, at);
      if (verdict.report && state !== undefined && rule.on === "change") {
        assert.ok(at - state.at >= (rule.minInterval ?? 0), "no two messages within the interval");
      }
      state = verdict.state;
      check(state.reported, state.latest, at - state.at);
    }
  }

  it("a change beyond the band is known to the far side at once, or after the interval", () => {
    fc.assert(
      fc.property(rules, fc.array(step, { minLength: 1, maxLength: 40 }), (rule, steps) => {
        assert.ok(rule.on === "change");
        deliver(rule, steps, (told, latest, since) => {
          if (since < (rule.minInterval ?? 0)) return;
          const distance = Math.abs(Number(told.value) - Number(latest.value));
          const { absolute, percent } = rule.deadband ?? {};
          if (absolute === undefined && percent === undefined) assert.equal(distance, 0);
          if (absolute !== undefined) assert.ok(distance <= absolute);
          if (percent !== undefined) assert.ok(distance <= (Math.abs(Number(told.value)) * percent) / 100);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("with a heartbeat the far side is never left alone for longer", () => {
    fc.assert(
      fc.property(rules, fc.array(step, { minLength: 1, maxLength: 40 }), (rule, steps) => {
        assert.ok(rule.on === "change");
        const longest = Math.max(rule.heartbeat ?? Number.POSITIVE_INFINITY, rule.minInterval ?? 0);
        deliver(rule, steps, (_told, _latest, since) => assert.ok(since < longest));
      }),
    );
  });
});
