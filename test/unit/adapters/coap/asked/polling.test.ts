import assert from "node:assert/strict";
import { test } from "node:test";
import { startPolling } from "../../../../../adapters/coap/asked/polling.js";
import { WeirError } from "../../../../../src/core/errors.js";
import { answer, createWorld, read, SILENT } from "./world.js";

const asks = (log: readonly string[]): readonly string[] => log.filter((line) => line.includes("ask /"));

test("the first time at once, then once in each interval at a time of its own", async (t) => {
  const { world, context } = createWorld(t);
  world.chance = 0.5;
  const stop = startPolling(read("/x", "poll", 10_000), 10_000, context);
  await world.pass(40_000);
  stop();
  await world.pass(40_000);
  // Half of the time within which all begin, then the middle of each interval.
  assert.deepEqual(asks(world.log), ["500 ask /x", "5000 ask /x", "15000 ask /x", "25000 ask /x", "35000 ask /x"]);
  assert.deepEqual(world.log.slice(0, 3), ["500 ask /x", "500 answered", "500 take 1"]);
  assert.deepEqual(world.entries, []);
});

test("never twice at a time: turns that pass meanwhile are left out, and counted", async (t) => {
  const { world, context } = createWorld(t);
  let settle: (() => void) | undefined;
  world.ask = () =>
    new Promise((resolve) => {
      settle = () => resolve(answer());
    });
  const stop = startPolling(read("/x", "poll", 1000), 1000, context);
  await world.pass(3500);
  assert.deepEqual(asks(world.log), ["100 ask /x"]);
  settle?.();
  await world.pass(600);
  assert.deepEqual(asks(world.log), ["100 ask /x", "4000 ask /x"]);
  assert.deepEqual(
    world.entries.map(({ event, reason, count }) => [event, reason, count]),
    [["coap_poll_skipped", "slow", 3]],
  );
  stop();
});

test("readings that are not taken yet hold the next poll back", async (t) => {
  const { world, context } = createWorld(t);
  world.take = () => new Promise(() => {});
  const stop = startPolling(read("/x", "poll", 1000), 1000, context);
  await world.pass(5000);
  assert.equal(asks(world.log).length, 1);
  stop();
});

test("silent once, it is asked again at once; silent twice, it is lost", async (t) => {
  const { world, context } = createWorld(t);
  let silent = 1;
  world.ask = () => (silent-- > 0 ? Promise.reject(SILENT) : Promise.resolve(answer()));
  const stop = startPolling(read("/x", "poll", 10_000), 10_000, context);
  await world.pass(500);
  assert.equal(asks(world.log).length, 2);
  assert.equal(world.lost, undefined);
  silent = 2;
  await world.pass(10_500);
  assert.equal(world.lost, SILENT);
  stop();
});

test("a no is an answer: it is told, and asked again in its turn", async (t) => {
  const { world, context } = createWorld(t);
  world.ask = () => Promise.resolve(answer("4.04", "not here"));
  const stop = startPolling(read("/x", "poll", 1000), 1000, context);
  await world.pass(2100);
  assert.equal(asks(world.log).length, 3);
  assert.ok(!world.log.some((line) => line.includes("take")));
  const [first] = world.entries;
  assert.deepEqual([first?.event, first?.reason], ["coap_read_refused", "4.04"]);
  assert.match(first?.message ?? "", /air answered 4\.04 to \/x: "not here"/);
  assert.equal(world.lost, undefined);
  stop();
});

test("what is no answer and no silence does not count as lost", async (t) => {
  const { world, context } = createWorld(t);
  world.ask = () => Promise.reject(new WeirError("PAYLOAD_INVALID", "too large"));
  const stop = startPolling(read("/x", "poll", 1000), 1000, context);
  await world.pass(5100);
  assert.equal(world.lost, undefined);
  assert.equal(asks(world.log).length, 6);
  stop();
});
