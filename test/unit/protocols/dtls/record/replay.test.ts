import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplayWindow } from "../../../../../src/protocols/dtls/record/replay.js";
import { seeded } from "../../../../support/random.js";

/** What RFC 6347 4.1.2.6 says, with a set. */
class Model {
  highest = -1;
  readonly seen = new Set<number>();

  has(sequence: number): boolean {
    return sequence <= this.highest - 64 || this.seen.has(sequence);
  }

  add(sequence: number): boolean {
    this.seen.add(sequence);
    const newest = sequence > this.highest;
    this.highest = Math.max(this.highest, sequence);
    return newest;
  }
}

for (const base of [0, 2 ** 31 - 100, 2 ** 32 - 100, 2 ** 48 - 1000]) {
  test(`the window is what a set says, from ${base} on`, () => {
    const random = seeded(base % 1000);
    const [window, model] = [new ReplayWindow(), new Model()];
    for (let round = 0; round < 20_000; round++) {
      const jump = random.chance(0.02) ? random.between(0, 70) : random.between(0, 3);
      const near = Math.max(base, model.highest) + jump;
      const sequence = Math.min(2 ** 48 - 1, random.chance(0.6) ? near : Math.max(base, near - random.between(0, 80)));
      const known = model.has(sequence);
      assert.equal(window.has(sequence), known, `${sequence} in round ${round}`);
      if (!known) assert.equal(window.add(sequence), model.add(sequence));
    }
  });
}

test("a leap forgets all that was", () => {
  const window = new ReplayWindow();
  window.add(5);
  window.add(2 ** 40);
  assert.equal(window.has(2 ** 40), true);
  assert.equal(window.has(2 ** 40 - 1), false);
  assert.equal(window.has(2 ** 40 - 63), false);
  assert.equal(window.has(2 ** 40 - 64), true);
  assert.equal(window.has(5), true);
});
