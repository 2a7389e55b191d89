import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ClockRules, type ClockState, firstLook, nextLook, type Sync } from "../../../src/clock/state.js";

const EARLIEST = Date.UTC(2026, 0, 1);
const NOW = Date.UTC(2026, 10, 23);
const rules: ClockRules = { trust: false, earliest: EARLIEST, wait: 240_000 };

type Step = readonly [wall: number, ticks: number, sync: Sync];

/** Plays looks, and gives what each of them told, and the state in the end. */
function play(looks: readonly Step[], own: Partial<ClockRules> = {}): { told: string[]; state: ClockState } {
  const [[wall, ticks, sync] = [0, 0, "unknown"] as const, ...more] = looks;
  let state = firstLook({ ...rules, ...own }, { wall, ticks, sync });
  const told = more.map(([wall, ticks, sync]) => {
    const [after, event] = nextLook(state, { ...rules, ...own }, { wall, ticks, sync });
    state = after;
    return event === undefined ? "" : "by" in event ? `${event.kind} by ${event.by}` : event.kind;
  });
  return { told, state };
}

describe("whether the clock is set", () => {
  for (const [name, wall, sync, expected] of [
    ["timesyncd says so", NOW, "yes", "timesyncd"],
    // What was kept may be of a day when the clock was ahead.
    ["timesyncd says so, of a time before the latest known one", EARLIEST - 1, "yes", "timesyncd"],
    ["nobody says anything and the time is plausible", EARLIEST, "unknown", "plausible"],
    ["nobody says anything and the time has been before", EARLIEST - 1, "unknown", "implausible"],
    // As fake-hwclock leaves it.
    ["timesyncd waits, though the time is plausible", NOW, "no", "unsynchronized"],
    ["the machine has come up in 1970", 12_000, "no", "unsynchronized"],
  ] as const) {
    it(`at the start: ${name}: ${expected}`, () => {
      const state = firstLook(rules, { wall, ticks: 50, sync });
      assert.equal(state.kind === "set" ? state.source : state.why, expected);
    });
  }

  it("at the start: trusted by the configuration, whatever it says", () => {
    const state = firstLook({ ...rules, trust: true }, { wall: 0, ticks: 0, sync: "no" });
    assert.deepEqual(state, { kind: "set", source: "trust", offset: 0 });
  });

  it("becomes set when timesyncd says so, and tells by how much it was wrong", () => {
    const { told, state } = play([
      [NOW, 1000, "no"],
      [NOW + 1000, 2000, "no"],
      [NOW + 1000 + 3_602_000, 3000, "yes"],
      [NOW + 3_604_000, 4000, "unknown"],
    ]);
    assert.deepEqual(told, ["", "set by 3601000", ""]);
    assert.equal(state.kind === "set" && state.source, "timesyncd");
  });

  it("becomes set by a step forward to a plausible time, and by no other", () => {
    const { told, state } = play([
      [5_000, 5_000, "unknown"],
      [EARLIEST - 60_000, 6_000, "unknown"],
      [5_000, 7_000, "unknown"],
      [NOW, 8_000, "unknown"],
    ]);
    assert.deepEqual(told, ["", "", `set by ${NOW - 8_000}`]);
    assert.equal(state.kind === "set" && state.source, "step");
  });

  it("a step is no proof while timesyncd waits: fake-hwclock may come late", () => {
    assert.deepEqual(
      play([
        [5_000, 5_000, "no"],
        [NOW, 6_000, "no"],
      ]).told,
      [""],
    );
  });

  it("a wrong clock does not become right because time goes by", () => {
    const { told, state } = play([
      [EARLIEST - 500, 0, "unknown"],
      [EARLIEST + 500, 1000, "unknown"],
    ]);
    assert.deepEqual(told, [""]);
    assert.equal(state.kind, "unset");
  });

  it("is waited for as long as the configuration says, and may be set after that", () => {
    const { told, state } = play([
      [NOW, 0, "no"],
      [NOW + 239_999, 239_999, "no"],
      [NOW + 240_000, 240_000, "no"],
      [NOW + 250_000, 250_000, "no"],
      [NOW + 260_000, 255_000, "yes"],
    ]);
    assert.deepEqual(told, ["", "gave_up", "", "set by 5000"]);
    assert.equal(state.kind, "set");
    assert.deepEqual(play([[NOW, 0, "no"]], { wait: 0 }).state.kind === "unset" && "not held", "not held");
  });

  it("set, it tells of steps and not of drift", () => {
    const { told } = play([
      [NOW, 0, "yes"],
      [NOW + 10_400, 10_000, "unknown"],
      [NOW + 20_800, 20_000, "unknown"],
      [NOW - 3_569_200, 30_000, "unknown"],
      [NOW - 3_559_200, 40_000, "unknown"],
      [NOW, 50_000, "unknown"],
    ]);
    assert.deepEqual(told, ["", "", "stepped by -3600000", "", "stepped by 3549200"]);
  });

  it("never holds again once it has let go, whatever the clock does", () => {
    const look = fc.tuple(fc.integer({ min: -1e12, max: 4e12 }), fc.nat(1e6), fc.constantFrom("yes", "no", "unknown"));
    fc.assert(
      fc.property(fc.array(look, { minLength: 1 }), (looks) => {
        let state: ClockState | undefined;
        let letGo = false;
        for (const [wall, ticks, sync] of looks) {
          const one = { wall, ticks, sync } as const;
          state = state === undefined ? firstLook(rules, one) : nextLook(state, rules, one)[0];
          const holding = state.kind === "unset" && state.holding;
          assert.ok(!(letGo && holding));
          letGo ||= !holding;
        }
      }),
    );
  });
});
