import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodePublication, encodeSending, encodeTerms } from "../../../../src/broker/cluster/codec.js";
import { Outstanding } from "../../../../src/broker/cluster/outstanding.js";
import type { Redis } from "../../../../src/broker/cluster/redis.js";
import { ClusterStore } from "../../../../src/broker/cluster/store.js";

/** A Redis that says what it was asked, and can be away. */
function opened(): { store: ClusterStore; log: string[]; away: (is: boolean) => void } {
  const log: string[] = [];
  let gone = false;
  const answer =
    (name: string) =>
    async (...values: unknown[]) => {
      if (gone) throw new Error("away");
      log.push([name, ...values].join(" "));
    };
  const named = { get: (_target: object, name: string) => answer(name) };
  const redis = { commands: new Proxy({}, named), persistence: new Proxy({}, named) } as unknown as Redis;
  const store = new ClusterStore({ node: "a", redis, outstanding: new Outstanding(), settled: () => {} });
  return {
    store,
    log,
    away: (is) => {
      gone = is;
    },
  };
}

const stored = (store: ClusterStore): Promise<Error | undefined> => new Promise((resolve) => store.stored(resolve));

describe("sessions in Redis", () => {
  it("are read with what is on its way both ways", async () => {
    const publication = { topic: "t", payload: new Uint8Array([1]), qos: 2, retain: false } as const;
    const message = encodePublication(publication);
    const sending = Buffer.from(encodeSending({ qos: 2, retain: false, identifiers: [3] }));
    const entry = (id: string) => [Buffer.from(id), [Buffer.from("m"), message, Buffer.from("s"), sending]];
    const asked: unknown[] = [];
    const redis = {
      commands: {
        hget: async () => encodeTerms({ user: "u", listener: "l", expiry: 9, sent: 6 }),
        xrangeBuffer: async (...values: unknown[]) => {
          asked.push(values);
          return [entry("0-5"), [Buffer.from("0-6"), []], entry("0-7")];
        },
        smembers: async (key: string) => (key === "weir:released:c" ? ["5"] : ["11", "12"]),
      },
      persistence: { subscriptionsByClient: async () => [{ topic: "t", qos: 2, nl: null, rap: true }, { topic: 1 }] },
    } as unknown as Redis;
    const store = new ClusterStore({ node: "a", redis, outstanding: new Outstanding(), settled: () => {} });
    const found = await store.read("c", 10);
    assert.deepEqual(asked, [["weir:queue:c", "-", "+", "COUNT", 10]]);
    assert.deepEqual(
      found?.queue.map(({ sequence, released, identifiers }) => ({ sequence, released, identifiers })),
      [
        { sequence: 5, released: true, identifiers: [3] },
        { sequence: 7, released: false, identifiers: [3] },
      ],
    );
    assert.equal(found?.nextSequence, 8);
    assert.equal(found?.sent, 6);
    assert.deepEqual(found?.received, [11, 12]);
    assert.deepEqual(found?.subscriptions, [
      { filter: "t", qos: 2, noLocal: false, retainAsPublished: true, identifier: undefined },
    ]);
  });

  it("what a message leaves behind goes with it", async () => {
    const { store, log } = opened();
    store.released("c", 7);
    store.settled("c", 7);
    store.settled("c", 8);
    assert.equal(await stored(store), undefined);
    assert.deepEqual(log, [
      "sadd weir:released:c 7",
      "xdel weir:queue:c 0-7",
      "srem weir:released:c 7",
      "xdel weir:queue:c 0-8",
    ]);
  });

  it("what Redis did not take is told, and written in order once it is back", async () => {
    const { store, log, away } = opened();
    away(true);
    store.received("c", 1);
    store.completed("c", 1);
    assert.equal((await stored(store))?.message, "away");
    store.retry();
    assert.equal((await stored(store))?.message, "away", "still");
    away(false);
    store.settled("c", 3);
    store.retry();
    assert.equal(await stored(store), undefined);
    assert.deepEqual(log, ["xdel weir:queue:c 0-3", "sadd weir:received:c 1", "srem weir:received:c 1"]);
    store.retry();
    await stored(store);
    assert.equal(log.length, 3, "once");
  });
});
