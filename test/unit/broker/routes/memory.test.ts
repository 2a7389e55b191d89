import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deliver } from "../../../../src/broker/routes/matched.js";
import { Routes } from "../../../../src/broker/routes/routes.js";
import { Listener, PLAIN } from "./specimens.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** As it comes from the wire: a string of its own. */
const received = (text: string): string => Buffer.from(text).toString();

test("10,000 subscriptions of 40 characters take less than 1 kB each", () => {
  const routes = new Routes();
  const listeners = Array.from({ length: 10_000 }, (_, number) => new Listener(`${number}`));
  const before = heap();
  for (const [number, listener] of listeners.entries()) {
    const filter = received(`plant/line-${number % 100}/${String(number).padStart(10, "0")}/temperature/+`);
    routes.subscribe(filter, listener, { ...PLAIN });
  }
  const each = (heap() - before) / listeners.length;
  assert.equal(routes.size.subscriptions, listeners.length);
  assert.ok(each < 1024, `${each} bytes`);
});

test("a subscription that has gone is not held on to by one that shares its beginning", () => {
  const routes = new Routes();
  const listener = new Listener("one");
  const before = heap();
  for (let number = 0; number < 1_000; number++) {
    const start = `a-level-of-some-length-${number}`;
    const long = received(`${start}/+/${"x".repeat(60_000)}`);
    routes.subscribe(long, listener, PLAIN);
    for (const end of ["y", "z"]) routes.subscribe(received(`${start}/+/${end}`), listener, PLAIN);
    routes.unsubscribe(long, listener);
  }
  const held = heap() - before;
  assert.equal(routes.size.subscriptions, 2_000);
  assert.ok(held < 10e6, `${held} bytes`);
});

test("delivering to who is known allocates nothing", () => {
  const routes = new Routes();
  let delivered = 0;
  const subscriber = { clientId: "one", online: true, mayReceive: () => true, deliver: () => void delivered++ };
  routes.subscribe("a/b", subscriber, PLAIN);
  const publication = { topic: "a/b", payload: new Uint8Array(), qos: 0, retain: false } as const;
  const publish = (times: number): void => {
    for (let time = 0; time < times; time++) deliver(routes.match("a/b"), publication);
  };
  publish(100_000);
  const before = heap();
  publish(1_000_000);
  const grown = process.memoryUsage().heapUsed - before;
  assert.equal(delivered, 1_100_000);
  // One object of the smallest size for each would be 16 MB; a scavenge in between would hide some of that, but not all.
  assert.ok(grown < 500_000, `${grown} bytes`);
});
