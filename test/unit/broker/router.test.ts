/** aedes' public seams: what of its behaviour the broker counts on. An upgrade that breaks one of these must not get through. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Publication } from "../../../src/broker/publication.js";
import { Retained } from "../../../src/broker/retained.js";
import { Router } from "../../../src/broker/router.js";
import { Routes } from "../../../src/broker/routes/routes.js";
import { fakeStore } from "./session/fakes.js";

async function open(t: { after(done: () => Promise<void>): void }) {
  const routes = new Routes();
  const store = fakeStore();
  const limits = { retainedMessages: 10, retainedSize: 1_000_000 };
  const retained = new Retained({ limits, store, now: () => 0, refused: () => {} }, []);
  const router = await Router.open("test", routes, (publication) => retained.keep(publication));
  t.after(() => router.close());
  const got: Publication[] = [];
  const subscribe = (filter: string, noLocal = false, clientId = "s"): void => {
    const subscriber = {
      clientId,
      online: true,
      mayReceive: () => true,
      deliver: (each: Publication) => void got.push(each),
    };
    routes.subscribe(filter, subscriber, { qos: 2, noLocal, retainAsPublished: true });
  };
  return { router, got, subscribe, store };
}

const whole: Publication = {
  ...{ topic: "a/b", payload: new Uint8Array(Buffer.from("x")), retain: true, clientId: "c" },
  qos: 1,
  properties: { contentType: "t", userProperties: [["k", "v"]] },
  messageExpiry: 12_345,
};

for (const qos of [0, 1, 2] as const) {
  test(`QoS ${qos}: kept and delivered before publish returns, with all that it has`, async (t) => {
    const { router, got, subscribe, store } = await open(t);
    subscribe("a/#");
    assert.equal(router.publish({ ...whole, qos }), true);
    assert.deepEqual(store.said, ["retain a/b 1"], "kept within the call");
    assert.equal(got.length, 1, "delivered within the call");
    const { topic, payload, retain, clientId, properties, messageExpiry } = got[0] ?? whole;
    assert.deepEqual(
      { topic, payload: new Uint8Array(payload), qos: got[0]?.qos, retain, clientId, properties, messageExpiry },
      { ...whole, qos },
    );
    assert.equal(got[0]?.payload.buffer, whole.payload.buffer, "nothing is copied");
  });
}

test("No Local works: the publisher's id comes through", async (t) => {
  const { router, got, subscribe } = await open(t);
  subscribe("a/b", true, "c");
  assert.equal(router.publish(whole), true);
  assert.deepEqual(got, []);
});

test("nobody subscribed: said so, and still retained", async (t) => {
  const { router, store } = await open(t);
  assert.equal(router.publish(whole), false);
  assert.equal(router.publish({ ...whole, retain: false, topic: "other" }), false);
  assert.deepEqual(store.said, ["retain a/b 1"]);
});

test("an empty payload arrives empty, names of prototypes are topics as others", async (t) => {
  const { router, got, subscribe } = await open(t);
  subscribe("#");
  for (const topic of ["__proto__", "constructor", "a//b", "/"])
    router.publish({ ...whole, topic, payload: new Uint8Array(0) });
  assert.deepEqual(
    got.map(({ topic }) => topic),
    ["__proto__", "constructor", "a//b", "/"],
  );
  assert.ok(got.every(({ payload }) => payload.length === 0));
});

test("a topic of as many levels as a configuration may allow arrives", async (t) => {
  const { router, got, subscribe } = await open(t);
  subscribe("#");
  router.publish({ ...whole, topic: "/".repeat(999) });
  assert.equal(got.length, 1, "aedes drops what is deeper than its maxTopicLevels, and tells only the callback");
});
