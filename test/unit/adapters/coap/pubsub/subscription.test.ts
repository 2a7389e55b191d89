import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Subscription } from "../../../../../adapters/coap/pubsub/subscription.js";
import type { PubSubMessage, PubSubSession } from "../../../../../src/core/pubsub.js";
import { type FakeSession, fakeClient, fakeObserver, turn } from "./fakes.js";

const wanted = { filter: "a", qos: 1, noLocal: false, retainHandling: 1 } as const;

function message(text: string, qos: 0 | 1 | 2 = 1): PubSubMessage {
  return { topic: "a", payload: Buffer.from(text), qos, retain: false };
}

async function bench(notify: "qos" | "con" | "non" = "qos") {
  const sessions: FakeSession[] = [];
  const session = (await fakeClient("c", sessions).connect(() => {})) as PubSubSession;
  const counts = { heard: 0, ended: 0 };
  const subscription = new Subscription({
    session,
    notify,
    heard: () => void counts.heard++,
    ended: () => void counts.ended++,
  });
  const observe = (id: string) => {
    let onEnd = (): void => {};
    const observer = fakeObserver(id, () => onEnd());
    onEnd = subscription.observe(observer, wanted);
    return observer;
  };
  const [fake] = sessions;
  assert.ok(fake !== undefined);
  return { subscription, session: fake, counts, observe };
}

for (const [notify, expected] of [
  ["qos", [false, true, true]],
  ["con", [true, true, true]],
  ["non", [false, false, false]],
] as const)
  test(`notify: ${notify} says which messages are confirmable`, async () => {
    const { subscription, observe, counts } = await bench(notify);
    const observer = observe("p");
    for (const qos of [0, 1, 2] as const) {
      const delivered = subscription.deliver(message("x", qos));
      observer.settle(qos === 0 ? "sent" : "acknowledged");
      assert.equal(await delivered, true);
    }
    assert.deepEqual(
      observer.sent.map(({ confirmable }) => confirmable),
      expected,
    );
    assert.equal(counts.heard, 2, "what nobody acknowledged is no sign of life");
  });

test("a message is delivered once its notification has come to its end, and that counts as a sign of life", async () => {
  const { subscription, observe, counts } = await bench();
  const observer = observe("p");
  let done = false;
  const delivered = subscription.deliver(message("x")).then((arrived) => {
    done = true;
    return arrived;
  });
  await turn();
  assert.deepEqual([done, counts.heard], [false, 0]);
  observer.settle("acknowledged");
  assert.equal(await delivered, true);
  assert.equal(counts.heard, 1);
});

test("the end of an observation is the end of the subscription, and what was on its way did not arrive", async () => {
  const { subscription, observe, counts } = await bench();
  const observer = observe("p");
  const delivered = subscription.deliver(message("x"));
  observer.end();
  assert.equal(await delivered, false);
  assert.equal(counts.ended, 0, "a new registration may follow at once");
  await turn();
  assert.equal(counts.ended, 1);
  assert.equal(await subscription.deliver(message("y")), false);
});

test("who takes the observer's place gets what was on its way, and the subscription goes on", async () => {
  const { subscription, observe, counts } = await bench();
  const first = observe("p");
  const delivered = subscription.deliver(message("x"));
  const second = observe("q");
  assert.equal(first.ended, true);
  await turn();
  assert.deepEqual(
    second.sent.map(({ text }) => text),
    ["x"],
  );
  second.settle("acknowledged");
  assert.equal(await delivered, true);
  assert.equal(counts.ended, 0);
});

test("a registration that ends the one before it, in the same moment, keeps the subscription", async () => {
  const { observe, counts, session } = await bench();
  observe("p").end();
  observe("p");
  await turn();
  assert.equal(counts.ended, 0);
  assert.equal(session.subscriptions.has("a"), true);
});

test("a last word ends the observation", async () => {
  const { subscription, observe, counts } = await bench();
  const observer = observe("p");
  subscription.revoked();
  assert.deepEqual(
    observer.sent.map(({ code }) => code),
    ["4.03"],
  );
  assert.equal(counts.ended, 1);
  assert.equal(subscription.observer, undefined);
});

test("where the broker refuses at last, the observer is told so", async () => {
  const { session, observe } = await bench();
  session.refuses = "too_many";
  assert.deepEqual(
    observe("p").sent.map(({ code }) => code),
    ["4.03"],
  );
});

test("the next message waits until all blocks of a large one were fetched, or nobody fetches them", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { subscription, observe } = await bench();
  const observer = observe("p");
  observer.partial = true;
  let arrived = 0;
  const large = message("x".repeat(200));
  const send = (): void => {
    void subscription.deliver(large).then(() => arrived++);
    observer.settle("acknowledged");
  };
  send();
  await turn();
  for (const start of [64, 128]) subscription.transfer?.fetched(start, 64);
  await turn();
  assert.equal(arrived, 0);
  mock.timers.tick(9_999);
  await turn();
  assert.equal(arrived, 0, "a block may take long");
  subscription.transfer?.fetched(192, 64);
  await turn();
  assert.equal(arrived, 1);
  send();
  await turn();
  mock.timers.tick(10_000);
  await turn();
  assert.equal(arrived, 2, "nobody fetched it");
});

test("a message that one notification holds is followed by the next at once, however long it is", async () => {
  const { subscription, observe } = await bench();
  const observer = observe("p");
  for (const outcome of ["acknowledged", "sent"] as const) {
    const delivered = subscription.deliver(message("x".repeat(2_000)));
    observer.settle(outcome);
    assert.equal(await delivered, true);
    assert.equal(subscription.transfer, undefined, "blocks that are asked for later are not of this message");
  }
});
