import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { startPolls } from "../../../../adapters/serial/polls.js";
import { WeirError } from "../../../../src/core/errors.js";
import type { Entry } from "../../../../src/core/journal.js";
import type { Poll } from "../../../../src/profile/index.js";
import { bytes } from "./fixtures.js";

function setup(
  t: { mock: { timers: { enable(options: { apis: ["setTimeout"] }): void; tick(ms: number): void } } },
  polls: Poll[],
) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let time = 0;
  const asked: string[] = [];
  const journal: Entry[] = [];
  const world = { full: false, answer: (): Promise<unknown> => Promise.resolve() };
  const stop = startPolls({
    device: "air",
    polls,
    ask: (poll) => {
      asked.push(`${time} ${Buffer.from(poll.request).toString()}`);
      return world.answer();
    },
    full: () => world.full,
    journal: (entry) => journal.push(entry),
    ticks: () => time,
  });
  const pass = async (ms: number) => {
    for (let n = 0; n < ms; n += 10) {
      time += 10;
      t.mock.timers.tick(10);
      await turn();
    }
  };
  return { asked, journal, world, stop, pass };
}

const poll = (text: string, every: number): Poll => ({
  request: bytes(text),
  every,
  answers: ["values"],
  resources: new Set(),
  timeout: 1000,
});

test("each poll has its own pace, the first time at once", async (t) => {
  const { asked, pass, stop } = setup(t, [poll("a", 100), poll("b", 240)]);
  await pass(500);
  assert.deepEqual(asked, ["10 a", "10 b", "100 a", "200 a", "240 b", "300 a", "400 a", "480 b", "500 a"]);
  stop();
  await pass(500);
  assert.equal(asked.length, 9);
});

test("no answer is counted, each time, and the polls go on", async (t) => {
  const { asked, journal, world, pass, stop } = setup(t, [poll("a", 100)]);
  world.answer = () => Promise.reject(new WeirError("DEVICE_NO_ANSWER", "air sent no values within 1000 ms"));
  await pass(400);
  stop();
  assert.equal(asked.length, 5);
  assert.deepEqual(new Set(journal.map((entry) => entry.event)), new Set(["serial_no_answer"]));
  assert.equal(journal.length, 5);
});

test("turns that pass while one is under way are left out and counted, not made up for", async (t) => {
  const { asked, journal, world, pass, stop } = setup(t, [poll("a", 100)]);
  let answer: (value?: unknown) => void = () => {};
  world.answer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  await pass(350);
  world.answer = () => Promise.resolve();
  answer();
  await pass(150);
  stop();
  assert.deepEqual(asked, ["10 a", "400 a", "500 a"]);
  assert.deepEqual(
    journal.map(({ event, reason, count }) => [event, reason, count]),
    [["serial_poll_skipped", "slow", 3]],
  );
});

test("nothing is asked while nobody takes the readings", async (t) => {
  const { asked, journal, world, pass, stop } = setup(t, [poll("a", 100)]);
  world.full = true;
  await pass(250);
  world.full = false;
  await pass(100);
  stop();
  assert.deepEqual(asked, ["300 a"]);
  assert.deepEqual(
    journal.map((entry) => entry.reason),
    ["backpressure", "backpressure", "backpressure"],
  );
});
