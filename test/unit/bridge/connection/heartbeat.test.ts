import assert from "node:assert/strict";
import { test } from "node:test";
import { Heartbeat } from "../../../../src/bridge/connection/heartbeat.js";

/** Time passes by looks, 250 ms apart: no timer is started. */
function beating({ keepAlive = 30_000, timeout = 1_000 } = {}) {
  let now = 0;
  const seen = { pings: 0, dead: "", owed: undefined as string | undefined };
  const heartbeat = new Heartbeat({
    keepAlive,
    timeout,
    ping: () => {
      seen.pings += 1;
      heartbeat.sent();
    },
    owed: () => seen.owed,
    dead: (what) => {
      seen.dead ||= what;
    },
  });
  const pass = (ms: number, each = (): void => {}): void => {
    for (const end = now + ms; now < end; ) {
      now += 250;
      each();
      heartbeat.look(now);
    }
  };
  const starve = (ms: number): void => {
    now += ms;
    heartbeat.look(now);
  };
  return { heartbeat, seen, pass, starve };
}

test("a silent connection is pinged within half of keep alive, and one that does not answer is dead", () => {
  const { heartbeat, seen, pass } = beating({ keepAlive: 10_000 });
  pass(4_750);
  assert.equal(seen.pings, 0);
  pass(250);
  assert.equal(seen.pings, 1);
  heartbeat.heard();
  pass(5_250);
  assert.deepEqual([seen.pings, seen.dead], [2, ""]);
  pass(1_000);
  assert.match(seen.dead, /^no answer for \d+ s: the connection is dead or the server frozen$/);
});

test("what is owed is asked after at once, not only after keep alive", () => {
  const { seen, pass } = beating();
  pass(5_000);
  seen.owed = "1 publish";
  pass(750);
  assert.equal(seen.pings, 1);
  pass(1_000);
  assert.notEqual(seen.dead, "");
});

test("a server that answers pings and leaves one thing unanswered is given up, whatever else it answers", () => {
  const { heartbeat, seen, pass } = beating();
  seen.owed = "7 publish";
  pass(3_000, () => heartbeat.heard());
  assert.equal(seen.dead, "");
  pass(500, () => heartbeat.heard());
  assert.match(seen.dead, /^no acknowledgement for 3 s, though it answers pings$/);
});

test("a slow server that answers one after the other lives", () => {
  const { heartbeat, seen, pass } = beating();
  let next = 0;
  pass(60_000, () => {
    next += 1;
    seen.owed = `${next >> 3} publish`;
    heartbeat.heard();
  });
  assert.equal(seen.dead, "");
});

test("time in which nobody looked does not count: the process was starved, or the machine asleep", () => {
  const { heartbeat, seen, pass, starve } = beating();
  seen.owed = "1 publish";
  pass(750);
  assert.equal(seen.pings, 1);
  starve(3_600_000);
  assert.equal(seen.dead, "");
  heartbeat.heard();
  seen.owed = undefined;
  pass(5_000);
  assert.equal(seen.dead, "");
});

test("while nothing is read on purpose, silence says nothing", () => {
  const { heartbeat, seen, pass } = beating();
  seen.owed = "1 publish";
  heartbeat.hold(true);
  pass(60_000);
  assert.equal(seen.dead, "");
  heartbeat.hold(false);
  pass(1_750);
  assert.notEqual(seen.dead, "");
});
