import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CLOSE_TIMEOUT,
  GIVE_UP_TIMEOUT,
  type LinkEffect,
  type LinkEvent,
  type LinkState,
  OPEN_TIMEOUT,
  SOUND_AFTER,
  step,
} from "../../../src/link/state.js";

const half = { chance: 0.5 } as const;
const failed: LinkEvent = { kind: "failed", ...half, code: undefined };
const lost: LinkEvent = { kind: "lost", ...half, code: undefined };
const due: LinkEvent = { kind: "due", ...half };
const ended: LinkEvent = { kind: "ended", ...half };

/** Plays events one after the other; gives the last state and the effects of the last event. */
function play(...events: LinkEvent[]): { state: LinkState; effects: readonly LinkEffect[] } {
  let state: LinkState = { kind: "idle" };
  let effects: readonly LinkEffect[] = [];
  for (const event of events) [state, effects] = step(state, event);
  return { state, effects };
}

test("starting opens, with a time limit", () => {
  const { state, effects } = play({ kind: "start" });
  assert.deepEqual(state, { kind: "opening", failures: 0, overdue: false });
  assert.deepEqual(effects, [{ kind: "open" }, { kind: "timer", ms: OPEN_TIMEOUT }]);
});

test("a failed open waits longer each time, then opens again", () => {
  const first = play({ kind: "start" }, failed);
  assert.deepEqual(first.state, { kind: "waiting", failures: 1, delay: 750 });
  assert.deepEqual(first.effects, [{ kind: "timer", ms: 750 }]);
  const second = play({ kind: "start" }, failed, due, failed);
  assert.deepEqual(second.state, { kind: "waiting", failures: 2, delay: 1250 });
  assert.equal(play({ kind: "start" }, failed, due).state.kind, "opening");
});

test("a link lost soon after it was opened continues the row of failures; a sound one begins a new row", () => {
  const soon = play({ kind: "start" }, failed, due, { kind: "opened" }, lost);
  assert.deepEqual(soon.state, { kind: "waiting", failures: 2, delay: 1250 });
  assert.deepEqual(play({ kind: "start" }, { kind: "opened" }).effects, [{ kind: "timer", ms: SOUND_AFTER }]);
  const later = play({ kind: "start" }, failed, due, { kind: "opened" }, due, lost);
  assert.deepEqual(later.state, { kind: "waiting", failures: 1, delay: 750 });
});

test("an open that hangs is told to give up, and left behind if it does not", () => {
  const told = play({ kind: "start" }, due);
  assert.deepEqual(told.effects, [{ kind: "abort" }, { kind: "timer", ms: GIVE_UP_TIMEOUT }]);
  assert.equal(play({ kind: "start" }, due, failed).state.kind, "waiting");
  const left = play({ kind: "start" }, due, due);
  assert.equal(left.state.kind, "waiting");
  assert.deepEqual(left.effects[0], { kind: "abandon" });
});

test("a session that comes after it was told to give up is closed before the next open", () => {
  const late = play({ kind: "start" }, due, { kind: "opened" });
  assert.deepEqual(late.effects, [{ kind: "release" }, { kind: "timer", ms: CLOSE_TIMEOUT }]);
  assert.equal(late.state.kind, "opening");
  assert.equal(play({ kind: "start" }, due, { kind: "opened" }, ended).state.kind, "waiting");
});

test("closing an open link releases it, for a bounded time", () => {
  const closing = play({ kind: "start" }, { kind: "opened" }, { kind: "close" });
  assert.deepEqual(closing.effects, [{ kind: "release" }, { kind: "timer", ms: CLOSE_TIMEOUT }]);
  assert.equal(step(closing.state, ended)[0].kind, "closed");
  assert.deepEqual(step(closing.state, due), [{ kind: "closed" }, [{ kind: "abandon" }, { kind: "no_timer" }]]);
});

test("closing while opening gives up the open, and closes a session that comes all the same", () => {
  const closing = play({ kind: "start" }, { kind: "close" });
  assert.deepEqual(closing.effects[0], { kind: "abort" });
  assert.deepEqual(step(closing.state, { kind: "opened" })[1], [{ kind: "release" }]);
  assert.equal(step(closing.state, failed)[0].kind, "closed");
});

test("closing while idle or waiting needs nobody", () => {
  assert.equal(play({ kind: "close" }).state.kind, "closed");
  assert.equal(play({ kind: "start" }, failed, { kind: "close" }).state.kind, "closed");
});

test("a session closed on purpose by somebody else is not opened again", () => {
  assert.equal(play({ kind: "start" }, { kind: "opened" }, ended).state.kind, "closed");
});

const code = fc.constantFrom(undefined, "PORT_NOT_FOUND" as const);
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyEvent: fc.Arbitrary<LinkEvent> = fc.oneof(
  fc.constantFrom<LinkEvent>({ kind: "start" }, { kind: "opened" }, { kind: "close" }),
  fc.record({ kind: fc.constantFrom("ended" as const, "due" as const), chance }),
  fc.record({ kind: fc.constantFrom("failed" as const, "lost" as const), chance, code }),
);

test("property: whatever happens, closed is final", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      let state: LinkState = { kind: "idle" };
      for (const event of events) {
        const [after, effects] = step(state, event);
        if (state.kind === "closed") assert.deepEqual([after, effects], [state, []]);
        state = after;
      }
    }),
    { numRuns: 2000 },
  );
});

test("property: never two opens at once, and never one beside an open session", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 80 }), (events) => {
      // The world outside: what comes of an open or a session is only told while there is one.
      let state: LinkState = { kind: "idle" };
      const outside = { opens: 0, sessions: 0 };
      for (const event of events) {
        if ((event.kind === "opened" || event.kind === "failed") && outside.opens === 0) continue;
        if ((event.kind === "lost" || event.kind === "ended") && outside.sessions === 0) continue;
        if (event.kind === "opened" || event.kind === "failed") outside.opens -= 1;
        if (event.kind === "opened") outside.sessions += 1;
        if (event.kind === "lost" || event.kind === "ended") outside.sessions -= 1;
        const [after, effects] = step(state, event);
        for (const effect of effects) {
          if (effect.kind === "abandon") Object.assign(outside, { opens: 0, sessions: 0 });
          if (effect.kind !== "open") continue;
          assert.deepEqual(outside, { opens: 0, sessions: 0 });
          outside.opens += 1;
        }
        if (after.kind === "up") assert.deepEqual(outside, { opens: 0, sessions: 1 });
        if (after.kind === "waiting" || after.kind === "closed") assert.deepEqual(outside, { opens: 0, sessions: 0 });
        state = after;
      }
    }),
    { numRuns: 5000 },
  );
});

test("property: a timer always runs while something is waited for", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      let state: LinkState = { kind: "idle" };
      let timer = false;
      for (const event of events) {
        if (event.kind === "due") {
          if (!timer) continue;
          timer = false;
        }
        const [after, effects] = step(state, event);
        for (const effect of effects) {
          if (effect.kind === "timer") timer = true;
          if (effect.kind === "no_timer") timer = false;
        }
        if (["opening", "waiting", "closing"].includes(after.kind)) assert.ok(timer, after.kind);
        if (after.kind === "closed") assert.ok(!timer);
        state = after;
      }
    }),
    { numRuns: 2000 },
  );
});
