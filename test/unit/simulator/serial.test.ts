import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../../../src/core/journal.js";
import type { Simulation } from "../../../src/profile/index.js";
import type { ByteLine } from "../../../src/simulator/line.js";
import { playSerial, type Said } from "../../../src/simulator/serial.js";
import { eventually } from "../../support/eventually.js";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** A device that counts, and answers `?` with `!` and `cmd` with nothing. */
function counter(): Simulation {
  let count = 0;
  return {
    every: 2,
    values: () => new Map([["count", count]]),
    frames: () => {
      count += 1;
      return [Buffer.from(`a${count}`), Buffer.from(`b${count}`)];
    },
    answer: (request) => {
      if (text(request) === "?") return Buffer.from("!");
      return text(request) === "cmd" ? Buffer.alloc(0) : undefined;
    },
  };
}

/** A line whose far side is the test. */
function testLine(write: (bytes: Uint8Array) => Promise<void>): ByteLine & { hear: (bytes: Uint8Array) => void } {
  const line = {
    hear: (_bytes: Uint8Array): void => {},
    write,
    onData: (listener: (bytes: Uint8Array) => void) => {
      line.hear = listener;
    },
    close: async () => {},
  };
  return line;
}

test("sends its frames in order, one at a time, again and again, until it is told to stop", async () => {
  const written: string[] = [];
  const said: Said[] = [];
  let writing = 0;
  const line = testLine(async (bytes) => {
    assert.equal(++writing, 1);
    await new Promise((resolve) => setImmediate(resolve));
    writing--;
    written.push(text(bytes));
  });
  const stop = new AbortController();
  const playing = playSerial({
    simulation: counter(),
    line,
    now: () => 1000,
    signal: stop.signal,
    journal: () => assert.fail("nothing goes wrong here"),
    at: "dev",
    said: (what) => said.push(what),
  });
  await eventually(() => written.length >= 6, "three turns were played");
  stop.abort();
  await playing;
  assert.deepEqual(written.slice(0, 6), ["a1", "b1", "a2", "b2", "a3", "b3"]);
  assert.deepEqual(said[2], { time: 1000, bytes: Buffer.from("a2"), values: new Map([["count", 2]]) });
  line.hear(Buffer.from("?"));
});

test("answers requests that come in pieces; what has no answer is counted", async () => {
  const written: string[] = [];
  const entries: Entry[] = [];
  const line = testLine(async (bytes) => void written.push(text(bytes)));
  const stop = new AbortController();
  const simulation = { ...counter(), every: 3_600_000, frames: () => [] };
  const playing = playSerial({
    simulation,
    line,
    now: () => 0,
    signal: stop.signal,
    journal: (entry) => entries.push(entry),
    at: "dev",
  });
  line.hear(Buffer.from("?"));
  await eventually(() => written.length === 1, "the request is answered");
  line.hear(Buffer.from("c"));
  line.hear(Buffer.from("md"));
  line.hear(Buffer.from("what"));
  await eventually(() => entries.length === 1, "the rest is counted");
  stop.abort();
  await playing;
  assert.deepEqual(written, ["!"]);
  assert.deepEqual([entries[0]?.event, entries[0]?.at, entries[0]?.count], ["simulator_unanswered", "dev", 4]);
});

test("a line that takes no bytes makes the device wait, and does not keep it from ending", async () => {
  let writes = 0;
  const line = testLine(() => {
    writes += 1;
    return new Promise(() => {});
  });
  let frames = 0;
  const device = counter();
  const simulation: Simulation = {
    ...device,
    frames: (now) => {
      frames += 1;
      return device.frames(now);
    },
  };
  const stop = new AbortController();
  const playing = playSerial({ simulation, line, now: () => 0, signal: stop.signal, journal: () => {}, at: "dev" });
  let asked = 0;
  await eventually(() => {
    line.hear(Buffer.from("?".repeat(100)));
    return ++asked > 20;
  }, "it was asked over and over");
  // One frame, and no more answers than it has memory for.
  await eventually(() => writes === 5, "it tried to answer");
  stop.abort();
  await playing;
  assert.equal(frames, 1);
  assert.equal(writes, 5);
});

test("a failed line and a failed simulation end the play with their error", async () => {
  const signal = new AbortController().signal;
  const common = { now: () => 0, signal, journal: () => {}, at: "dev" };
  const dead = testLine(() => Promise.reject(new Error("unplugged")));
  await assert.rejects(playSerial({ ...common, simulation: counter(), line: dead }), /unplugged/);
  const idle = testLine(async () => {});
  const broken: Simulation = {
    ...counter(),
    frames: () => {
      throw new Error("frames broke");
    },
  };
  await assert.rejects(playSerial({ ...common, simulation: broken, line: idle }), /frames broke/);
  const dumb: Simulation = {
    ...counter(),
    answer: () => {
      throw new Error("answer broke");
    },
  };
  const playing = playSerial({ ...common, simulation: dumb, line: idle });
  idle.hear(Buffer.from("?"));
  await assert.rejects(playing, /answer broke/);
});

test("a signal that is aborted already ends it before the first frame", async () => {
  const line = testLine(() => assert.fail("nothing is to be said"));
  const signal = AbortSignal.abort();
  await playSerial({ simulation: counter(), line, now: () => 0, signal, journal: () => {}, at: "dev" });
});
