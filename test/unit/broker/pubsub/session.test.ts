import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../support/eventually.js";
import { admitted, connected, type Heard, receiver, startBroker } from "./rig.js";

type Broker = Awaited<ReturnType<typeof startBroker>>;

function say(broker: Broker, topic: string, text: string, qos: 0 | 1 | 2, retain = false): void {
  void broker.publish({ topic, payload: Buffer.from(text), qos, retain });
}

const plain = { noLocal: false, retainHandling: 0 } as const;

async function texts(heard: Heard, expected: readonly string[]): Promise<void> {
  await eventually(() => heard.messages.length >= expected.length, `${expected.length} messages came`);
  assert.deepEqual(heard.texts, expected);
}

test("messages come one at a time, each after the end of the one before, of every QoS", async (t) => {
  const broker = await startBroker(t);
  const session = await connected(await admitted(broker, "c1"));
  const heard = receiver();
  heard.hold();
  session.subscribe({ filter: "a", qos: 2, ...plain }, heard);
  for (const [index, qos] of ([1, 1, 2, 0, 0, 1] as const).entries()) say(broker, "a", `${index}q${qos}`, qos);
  await texts(heard, ["0q1"]);
  for (let count = 1; count <= 6; count++) {
    assert.equal(heard.messages.length, count);
    heard.release(count % 2 === 0);
    await eventually(() => heard.messages.length >= Math.min(6, count + 1), "the next one came");
  }
  assert.deepEqual([...heard.texts].sort(), ["0q1", "1q1", "2q2", "3q0", "4q0", "5q1"]);
  const inOrder = (qos: string): string[] => heard.texts.filter((text) => text.endsWith(qos));
  assert.deepEqual(
    [inOrder("q1"), inOrder("q0")],
    [
      ["0q1", "1q1", "5q1"],
      ["3q0", "4q0"],
    ],
  );
  await eventually(() => broker.stats.publishDropped === 3, "those that did not arrive are counted");
});

for (const [whenFull, kept] of [
  ["drop-oldest", ["0", "3", "4"]],
  ["drop-newest", ["0", "1", "2"]],
] as const) {
  for (const qos of [0, 1] as const) {
    test(`as much waits as broker.queue says: ${whenFull} at QoS ${qos}`, async (t) => {
      const broker = await startBroker(t, { limits: { queue: { messages: 2, whenFull } } });
      const session = await connected(await admitted(broker, "c1"));
      const heard = receiver();
      heard.hold();
      session.subscribe({ filter: "a", qos, ...plain }, heard);
      for (const text of ["0", "1", "2", "3", "4"]) say(broker, "a", text, qos);
      assert.equal(broker.stats.publishDropped, 2);
      for (let count = 1; count <= 3; count++) {
        await eventually(() => heard.messages.length >= count, "the next one came");
        heard.release();
      }
      await texts(heard, kept);
    });
  }
}

test("what waits is bounded in bytes too", async (t) => {
  const broker = await startBroker(t, { limits: { queue: { messages: 100, size: 1_000 } } });
  const session = await connected(await admitted(broker, "c1"));
  const heard = receiver();
  heard.hold();
  session.subscribe({ filter: "a", qos: 0, ...plain }, heard);
  for (let count = 0; count < 10; count++) say(broker, "a", "x".repeat(400), 0);
  // One is on its way; one of 400 bytes and what it is counted for more fits.
  assert.equal(broker.stats.publishDropped, 8);
  say(broker, "a", "x".repeat(2_000), 0);
  assert.equal(broker.stats.publishDropped, 10, "what is larger than all room drops what waits, and itself");
});

test("overlapping subscriptions each get the message, and the next waits for all of them", async (t) => {
  const broker = await startBroker(t);
  const session = await connected(await admitted(broker, "c1"));
  const [one, two] = [receiver(), receiver()];
  session.subscribe({ filter: "a/+", qos: 1, ...plain }, one);
  session.subscribe({ filter: "a/b", qos: 0, ...plain }, two);
  one.hold();
  say(broker, "a/b", "1", 1);
  say(broker, "a/b", "2", 1);
  await texts(one, ["1"]);
  await texts(two, ["1"]);
  one.release();
  await texts(two, ["1", "2"]);
  session.unsubscribe("a/+");
  one.release();
  say(broker, "a/b", "3", 1);
  await texts(two, ["1", "2", "3"]);
  assert.deepEqual(one.texts, ["1", "2"]);
});

test("a receiver that throws loses that message and no other", async (t) => {
  const broker = await startBroker(t);
  const session = await connected(await admitted(broker, "c1"));
  const heard = receiver();
  const broken = { ...heard, deliver: () => Promise.reject(new Error("broken")) };
  session.subscribe({ filter: "a", qos: 1, ...plain }, broken);
  session.subscribe({ filter: "b", qos: 1, ...plain }, heard);
  say(broker, "a", "1", 1);
  say(broker, "b", "2", 1);
  await texts(heard, ["2"]);
});

test("retained messages come with the subscription, as retain handling says, one at a time", async (t) => {
  const broker = await startBroker(t);
  for (let count = 0; count < 300; count++) say(broker, `r/${count}`, String(count), 1, true);
  const session = await connected(await admitted(broker, "c1"));
  const heard = receiver();
  session.subscribe({ filter: "r/#", qos: 1, noLocal: false, retainHandling: 1 }, heard);
  assert.equal(heard.messages.length, 0, "not before the subscriber knows that it is one");
  await eventually(() => new Set(heard.texts).size === 300, "all came");
  assert.ok(heard.messages.every(({ retain }) => retain));
  session.subscribe({ filter: "r/#", qos: 1, noLocal: false, retainHandling: 1 }, heard);
  session.subscribe({ filter: "r/1", qos: 1, noLocal: false, retainHandling: 2 }, heard);
  say(broker, "r/5", "new", 1, true);
  await eventually(() => heard.texts.at(-1) === "new", "the new one came");
  assert.equal(heard.messages.length, 301, "nothing was replayed");
  assert.equal(heard.messages.at(-1)?.retain, false);
});

test("retained messages wait for a client that takes one at a time: none is dropped for them, of no QoS", async (t) => {
  const broker = await startBroker(t, { limits: { queue: { messages: 10 } } });
  for (let count = 0; count < 100; count++) say(broker, `r/${count}`, String(count), 1, true);
  for (const qos of [0, 1] as const) {
    const session = await connected(await admitted(broker, `c${qos}`));
    const heard = receiver();
    session.subscribe({ filter: "r/#", qos, ...plain }, heard);
    await eventually(() => heard.messages.length === 100, "all came");
  }
  assert.equal(broker.stats.publishDropped, 0);
});

test("after the end nothing is delivered any more, also what was on its way", async (t) => {
  const broker = await startBroker(t);
  const session = await connected(await admitted(broker, "c1"));
  const heard = receiver();
  heard.hold();
  session.subscribe({ filter: "a", qos: 1, ...plain }, heard);
  say(broker, "a", "1", 1);
  say(broker, "a", "2", 1);
  await texts(heard, ["1"]);
  session.disconnect();
  session.disconnect();
  heard.release();
  say(broker, "a", "3", 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heard.texts, ["1"]);
  assert.equal(session.unsubscribe("a"), false);
});
