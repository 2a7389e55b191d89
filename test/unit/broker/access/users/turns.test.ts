import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "../../../../../src/broker/access/users/turns.js";

/** Work that ends when it is told to. */
function work() {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  return {
    run: () => {
      most = Math.max(most, ++running);
      return new Promise<string>((resolve) =>
        ends.push(() => {
          running--;
          resolve("done");
        }),
      );
    },
    most: () => most,
    end: async () => {
      while (ends.length > 0) {
        ends.shift()?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

test("few run, few wait, and the rest is turned away at once", async () => {
  const turns = new Turns({ running: 2, places: 4 });
  const { run, most, end } = work();
  const taken = Array.from({ length: 10 }, (_, n) => turns.take(`from ${n}`, run));
  assert.deepEqual(await Promise.all(taken.slice(6)), [undefined, undefined, undefined, undefined]);
  await end();
  assert.deepEqual(await Promise.all(taken.slice(0, 6)), Array(6).fill("done"));
  assert.equal(most(), 2);
});

test("places are free again afterwards, for what fails too", async () => {
  const turns = new Turns({ running: 1, places: 2 });
  for (let n = 0; n < 5; n++) {
    await assert.rejects(
      turns.take("a", async () => {
        throw new Error("failed");
      }),
      /failed/,
    );
  }
  assert.equal(await turns.take("a", async () => 7), 7);
});
