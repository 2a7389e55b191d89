import assert from "node:assert/strict";
import { test } from "node:test";
import { createWindow } from "../../../src/bridge/window.js";
import type { Qos } from "../../../src/core/message.js";
import type { Entry } from "../../../src/outbox/outbox.js";

const entry = (qos: Qos): Entry => ({
  sequence: 1,
  appended: 0,
  expires: undefined,
  message: { topic: "a", payload: new Uint8Array(), qos, retain: false },
});

function fill(window: ReturnType<typeof createWindow>, qos: Qos): number {
  let count = 0;
  for (; window.fits(qos); count++) window.add(entry(qos));
  return count;
}

test("takes as many as its limit", () => {
  assert.equal(fill(createWindow(3), 1), 3);
});

test("of QoS 2 it takes 20 where the upstream says nothing, and others beside them", () => {
  const window = createWindow(100);
  window.connected(undefined);
  assert.equal(fill(window, 2), 20);
  assert.equal(fill(window, 1), 80);
});

test("holds to the upstream's receive maximum, up to its own limit", () => {
  const window = createWindow(100);
  window.connected(50);
  assert.equal(fill(window, 2), 50);
  window.connected(200);
  assert.equal(fill(window, 2), 50);
});

test("what is acknowledged makes room", () => {
  const window = createWindow(1);
  window.add(entry(2));
  assert.equal(window.fits(0), false);
  window.remove(entry(2));
  assert.equal(window.fits(2), true);
  assert.equal(window.size, 0);
});
