import assert from "node:assert/strict";
import { test } from "node:test";
import { Rate } from "../../../../src/broker/connection/rate.js";

test("as many as a second has at once, then as many a second, over any time", () => {
  for (const perSecond of [1, 7, 0.5, 1_000]) {
    const rate = new Rate(perSecond, 0);
    let taken = 0;
    let paused = false;
    for (let now = 0; now <= 100_000; now += 100) {
      if (paused) paused = !rate.refill(now);
      while (!paused) {
        taken++;
        paused = !rate.take(now);
      }
    }
    const most = perSecond * 101 + 1;
    assert.ok(taken <= most && taken >= perSecond * 95, `${taken} at ${perSecond} a second`);
  }
});

test("a clock that goes back takes nothing away", () => {
  const rate = new Rate(10, 1_000);
  assert.equal(rate.take(0), true);
  assert.equal(rate.refill(-5_000), true);
});

test("what was already read is a debt", () => {
  const rate = new Rate(10, 0);
  for (let n = 0; n < 30; n++) rate.take(0);
  assert.equal(rate.refill(2_000), false);
  assert.equal(rate.refill(2_200), true);
});
