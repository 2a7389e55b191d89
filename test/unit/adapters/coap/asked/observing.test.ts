import assert from "node:assert/strict";
import { test } from "node:test";
import { startObserving } from "../../../../../adapters/coap/asked/observing.js";
import { WeirError } from "../../../../../src/core/errors.js";
import { CoapError } from "../../../../../src/protocols/coap/index.js";
import { answer, createWorld, read, SILENT } from "./world.js";

const READ = read("/x", "observe", 10_000);
const observes = (log: readonly string[]): readonly string[] => log.filter((line) => line.includes("observe"));

test("every state is taken, and the device hears once it is", async (t) => {
  const { world, context } = createWorld(t);
  const stop = startObserving(READ, 10_000, context);
  await world.pass(200);
  const [listener] = world.listeners;
  await listener?.next(answer("2.05", "a"));
  assert.deepEqual(world.log, ["100 observe /x", "200 answered", "200 take a"]);
  world.take = () => Promise.reject(new WeirError("OUTBOX_FULL", "full"));
  await assert.rejects(async () => listener?.next(answer("2.05", "b")), { code: "OUTBOX_FULL" });
  stop();
  assert.equal(world.cancelled, 1);
});

test("where it ends without an answer it is made anew at once, and the second time the device is lost", async (t) => {
  const { world, context } = createWorld(t);
  const stop = startObserving(READ, 10_000, context);
  await world.pass(200);
  world.listeners[0]?.ended(new CoapError("TIMEOUT", "no answer"));
  await world.pass(200);
  assert.equal(observes(world.log).length, 2);
  assert.equal(world.lost, undefined);
  await world.listeners[1]?.next(answer());
  world.listeners[1]?.ended(new CoapError("GONE", "its session ended"));
  await world.pass(200);
  assert.equal(world.lost, undefined);
  world.listeners[2]?.ended(new CoapError("TIMEOUT", "no answer"));
  assert.equal(world.lost, SILENT);
  stop();
});

test("a device that cannot be reached is lost as well", async (t) => {
  const { world, context } = createWorld(t);
  world.reach = () => Promise.reject(SILENT);
  const stop = startObserving(READ, 10_000, context);
  await world.pass(300);
  assert.equal(world.lost, SILENT);
  stop();
});

test("a no is told, and tried again: after Max-Age where it says so", async (t) => {
  const { world, context } = createWorld(t);
  const stop = startObserving(READ, 10_000, context);
  await world.pass(200);
  world.listeners[0]?.ended(answer("5.03", "full", 3));
  await world.pass(2900);
  assert.equal(observes(world.log).length, 1);
  await world.pass(200);
  assert.equal(observes(world.log).length, 2);
  world.listeners[1]?.ended(answer("4.04", ""));
  await world.pass(9800);
  assert.equal(observes(world.log).length, 2);
  await world.pass(300);
  assert.equal(observes(world.log).length, 3);
  assert.deepEqual(
    world.entries.map(({ event, reason }) => [event, reason]),
    [
      ["coap_read_refused", "5.03"],
      ["coap_read_refused", "4.04"],
    ],
  );
  stop();
});

test("what cannot be observed is polled", async (t) => {
  const { world, context } = createWorld(t);
  const stop = startObserving(READ, 10_000, context);
  await world.pass(200);
  world.listeners[0]?.ended(answer("2.05", "once"));
  await world.pass(25_000);
  assert.equal(observes(world.log).length, 1);
  assert.ok(world.log.includes("200 take once"));
  assert.equal(world.log.filter((line) => line.endsWith("ask /x")).length, 3);
  assert.equal(world.entries[0]?.event, "coap_not_observable");
  stop();
  const asked = world.log.length;
  await world.pass(25_000);
  assert.equal(world.log.length, asked);
});

test("what ends for another reason is told, and tried again in its time", async (t) => {
  const { world, context } = createWorld(t);
  const stop = startObserving(READ, 10_000, context);
  await world.pass(200);
  world.listeners[0]?.ended(new CoapError("TOO_LARGE", "larger than 64 KiB"));
  await world.pass(9000);
  assert.equal(observes(world.log).length, 1);
  await world.pass(2000);
  assert.equal(observes(world.log).length, 2);
  assert.deepEqual([world.entries[0]?.event, world.entries[0]?.reason], ["coap_observation_ended", "too_large"]);
  assert.equal(world.lost, undefined);
  stop();
});

test("stopped while it registers, it is cancelled", async (t) => {
  const { world, context } = createWorld(t);
  let reached = (): void => {};
  world.reach = () =>
    new Promise((resolve) => {
      reached = resolve;
    });
  const stop = startObserving(READ, 10_000, context);
  await world.pass(200);
  stop();
  reached();
  await world.pass(200);
  assert.equal(world.cancelled, 1);
});
