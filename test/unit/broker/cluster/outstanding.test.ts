import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Outstanding } from "../../../../src/broker/cluster/outstanding.js";

/** A promise to be settled by hand, and told once what hangs on it has run. */
function asked(): { promise: Promise<void>; answer: () => Promise<void>; fail: (why: string) => Promise<void> } {
  let resolve = (): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
  return {
    promise,
    answer: () => {
      resolve();
      return turn();
    },
    fail: (why) => {
      reject(new Error(why));
      return turn();
    },
  };
}

describe("what was asked of Redis", () => {
  it("is settled at once where nothing is open", () => {
    let done = false;
    new Outstanding().settled(() => {
      done = true;
    });
    assert(done);
  });

  it("is settled once all is answered that was begun before, in whatever order", async () => {
    const outstanding = new Outstanding();
    const log: string[] = [];
    const [one, two, three] = [asked(), asked(), asked()];
    outstanding.track(one.promise);
    outstanding.settled(() => log.push("one"));
    outstanding.track(two.promise);
    outstanding.settled(() => log.push("two"));
    outstanding.track(three.promise);
    await two.answer();
    assert.deepEqual(log, []);
    await one.answer();
    assert.deepEqual(log, ["one", "two"]);
    assert.equal(outstanding.size, 1);
    await three.answer();
    assert.equal(outstanding.size, 0);
  });

  it("fails for those alone who wait for what failed", async () => {
    const outstanding = new Outstanding();
    const log: string[] = [];
    const tell = (who: string) => (error?: Error) => log.push(`${who} ${error?.message}`);
    const [one, two] = [asked(), asked()];
    outstanding.track(one.promise);
    outstanding.settled(tell("one"));
    outstanding.track(two.promise);
    outstanding.settled(tell("two"));
    await two.fail("lost");
    await one.answer();
    assert.deepEqual(log, ["one undefined", "two lost"]);
    outstanding.settled(tell("later"));
    assert.deepEqual(log.at(-1), "later undefined");
  });

  it("takes what is begun while it tells", async () => {
    const outstanding = new Outstanding();
    const log: string[] = [];
    const [one, two] = [asked(), asked()];
    outstanding.track(one.promise);
    outstanding.settled(() => {
      log.push("one");
      outstanding.track(two.promise);
      outstanding.settled(() => log.push("two"));
    });
    await one.answer();
    assert.deepEqual(log, ["one"]);
    await two.answer();
    assert.deepEqual(log, ["one", "two"]);
  });
});
