import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { test } from "node:test";
import { WeirError } from "../../../../src/core/errors.js";
import type { Message } from "../../../../src/core/message.js";
import type { PubSubPublication } from "../../../../src/core/pubsub.js";
import { eventually } from "../../../support/eventually.js";
import { connectClient, nextMessage } from "../../../support/mqtt.js";
import { admitted, connected, credentials, receiver, startBroker, startWith } from "./rig.js";

function publication(topic: string, text: string, over: Partial<PubSubPublication> = {}): PubSubPublication {
  return { topic, payload: Buffer.from(text), qos: 1, retain: false, expiry: undefined, ...over };
}

const all = { qos: 2, noLocal: false, retainHandling: 0 } as const;

test("what is published without a session reaches MQTT clients, and passes admit", async (t) => {
  const admits: string[] = [];
  const broker = await startBroker(t, {
    admit: (message: Message, client) => {
      admits.push(`${client} ${message.topic} ${message.qos}`);
      return undefined;
    },
  });
  const subscriber = await connectClient(t, broker.urls[0]);
  await subscriber.subscribeAsync("a/#", { qos: 2 });
  const heard = nextMessage(subscriber);
  const client = await admitted(broker, "c1");
  assert.equal(await client.publish(publication("a/b", "21", { qos: 2 })), "published");
  assert.deepEqual(await heard, { topic: "a/b", payload: "21", qos: 2, retain: false });
  assert.deepEqual(admits, ["c1 a/b 2"]);
  assert.equal(broker.clients, 1, "only the MQTT client has a session");
});

test("what is not admitted rejects with its error, and goes nowhere", async (t) => {
  const full = new WeirError("OUTBOX_FULL", "it is full");
  const broker = await startBroker(t, { admit: () => Promise.reject(full) });
  const client = await admitted(broker, "c1");
  const heard: unknown[] = [];
  broker.subscribe("#", (message) => heard.push(message));
  await assert.rejects(client.publish(publication("a", "1")), { code: "OUTBOX_FULL" });
  assert.deepEqual(heard, []);
});

test("topics that nobody may publish to, and what is too large, are told apart", async (t) => {
  const { broker, access } = await startWith(t, { limits: { packetSize: 64 } });
  access.allows = (_identity, _action, topic) => topic !== "secret";
  const client = await admitted(broker, "c1");
  for (const topic of ["", "a/+", "a/#", "a\u0001b"])
    assert.equal(await client.publish(publication(topic, "")), "invalid");
  for (const topic of ["secret", "$SYS/broker/uptime"])
    assert.equal(await client.publish(publication(topic, "")), "forbidden");
  assert.equal(await client.publish(publication("a", "x".repeat(80))), "too_large");
  assert.deepEqual([client.retained("a/+"), client.retained("secret")], ["invalid", "forbidden"]);
  assert.deepEqual(
    [client.refusal("a/#/b"), client.refusal("secret"), client.refusal("a/#")],
    ["invalid", "forbidden", undefined],
  );
});

test("a retained message is read, expires, and is taken away by an empty one", async (t) => {
  const broker = await startBroker(t, { rewrite: [{ from: "old/#", to: "new/{#}", on: "both" }] });
  const client = await admitted(broker, "c1");
  assert.equal(client.retained("old/a"), undefined);
  await client.publish(publication("old/a", "7", { retain: true }));
  const found = client.retained("new/a");
  assert.ok(typeof found === "object");
  assert.deepEqual([found.topic, Buffer.from(found.payload).toString(), found.retain], ["new/a", "7", true]);
  assert.deepEqual(client.retained("old/a"), found);
  await client.publish(publication("old/a", "", { retain: true }));
  assert.equal(client.retained("old/a"), undefined);
  await client.publish(publication("old/a", "8", { retain: true, expiry: 0 }));
  assert.equal(client.retained("old/a"), undefined, "it expired at once");
});

test("the policy of a client holds: its QoS is cut, and what comes too fast is refused", async (t) => {
  const rule = { publishQos: { least: 0, most: 0 }, deliverQos: { most: 1, lift: false }, rate: 2 } as const;
  const broker = await startBroker(t, { clients: [{ client: "slow*", ...rule }] });
  const heard: Message[] = [];
  broker.subscribe("#", (message) => heard.push(message));
  const outcomes: string[] = [];
  for (let count = 0; count < 8; count++) {
    // Let in anew with each request, as without a connection.
    const client = await admitted(broker, "slow1");
    outcomes.push(await client.publish(publication("a", String(count), { qos: 2 })));
  }
  assert.equal(outcomes[0], "published");
  assert.ok(outcomes.includes("too_fast"), String(outcomes));
  assert.equal(heard.length, outcomes.filter((one) => one === "published").length);
  assert.ok(heard.every(({ qos }) => qos === 0));
  const session = await connected(await admitted(broker, "slow2"));
  const taken = receiver();
  assert.equal(session.subscribe({ filter: "b", ...all }, taken), undefined);
  void broker.publish({ topic: "b", payload: Buffer.from("x"), qos: 2, retain: false });
  await eventually(() => taken.messages.length > 0, "the message came");
  assert.equal(taken.messages[0]?.qos, 1);
});

test("who is not let in is told why, and nothing of it stays", async (t) => {
  const { broker, access } = await startWith(t);
  access.verdict = (user) => (user === "eve" ? { ok: false, reason: "bad_credentials", detail: "wrong" } : undefined);
  assert.equal(await broker.pubsub.admit(credentials("c", { username: "eve" })), "bad_credentials");
  assert.equal(await broker.pubsub.admit(credentials("")), "client_id");
  assert.equal(await broker.pubsub.admit(credentials("a\u0000b")), "client_id");
  const session = await connected(await admitted(broker, "c", { username: "ann" }));
  assert.equal(await broker.pubsub.admit(credentials("c", { username: "bob" })), "client_id", "ann has that id");
  assert.equal(broker.clients, 1);
  session.disconnect();
  assert.equal(broker.clients, 0);
  assert.equal(typeof (await broker.pubsub.admit(credentials("c", { username: "bob" }))), "object");
});

test("the connections of both kinds of clients are counted together", async (t) => {
  const broker = await startBroker(t, { limits: { connections: 1 } });
  const client = await admitted(broker, "c1");
  const session = await connected(client);
  assert.equal(await (await admitted(broker, "c2")).connect(() => {}), "busy");
  const refused = connectSocket(broker.port, "127.0.0.1");
  refused.on("error", () => {});
  await once(refused, "close");
  session.disconnect();
  await connectClient(t, broker.urls[0]);
});

test("clients of other protocols, whose addresses may be forged, take half of the connections at most", async (t) => {
  const broker = await startBroker(t, { limits: { connections: 4 } });
  const [first] = [await connected(await admitted(broker, "c1")), await connected(await admitted(broker, "c2"))];
  assert.equal(await (await admitted(broker, "c3")).connect(() => {}), "busy");
  for (const clientId of ["m1", "m2"]) await connectClient(t, broker.urls[0], { clientId });
  first.disconnect();
  await connected(await admitted(broker, "c3"));
});

test("a session ends when its client id connects elsewhere, by either protocol, and at the stop", async (t) => {
  const broker = await startBroker(t);
  const ends: string[] = [];
  const first = await connected(await admitted(broker, "c1"), (why) => ends.push(`first ${why}`));
  first.subscribe({ filter: "a", ...all }, receiver());
  await connected(await admitted(broker, "c1"), (why) => ends.push(`second ${why}`));
  assert.deepEqual(ends, ["first taken_over"]);
  assert.equal(first.subscribe({ filter: "b", ...all }, receiver()), "invalid", "it is over");
  const mqtt = await connectClient(t, broker.urls[0], { clientId: "c1" });
  assert.deepEqual(ends, ["first taken_over", "second taken_over"]);
  const closed = new Promise<void>((resolve) => mqtt.once("close", () => resolve()));
  await connected(await admitted(broker, "c1"), (why) => ends.push(`third ${why}`));
  await closed;
  await broker.close();
  assert.deepEqual(ends.slice(2), ["third stopping"]);
});

test("a session ends when its user is taken away, and a subscription when its filter is", async (t) => {
  const { broker, access } = await startWith(t);
  const ends: string[] = [];
  const session = await connected(await admitted(broker, "c1", { username: "ann" }), (why) => ends.push(why));
  const [kept, lost] = [receiver(), receiver()];
  session.subscribe({ filter: "a", ...all }, kept);
  session.subscribe({ filter: "b", ...all }, lost);
  access.allows = (_identity, action, topic) => !(action === "subscribe" && topic === "b");
  access.change();
  assert.deepEqual([kept.revocations, lost.revocations, ends], [0, 1, []]);
  assert.equal(session.unsubscribe("b"), false);
  access.change(({ user }) => user === "ann");
  assert.deepEqual(ends, ["revoked"]);
  assert.equal(broker.clients, 0);
});

test("what a client may not have is kept back, though its filter takes it", async (t) => {
  const { broker, access } = await startWith(t);
  access.allows = (_identity, action, topic) => !(action === "receive" && topic === "a/secret");
  const session = await connected(await admitted(broker, "c1"));
  const heard = receiver();
  session.subscribe({ filter: "a/#", ...all }, heard);
  const mqtt = await connectClient(t, broker.urls[0]);
  await mqtt.publishAsync("a/secret", "no", { qos: 1 });
  await mqtt.publishAsync("a/open", "yes", { qos: 1 });
  await eventually(() => heard.messages.length > 0, "one came");
  assert.deepEqual(heard.texts, ["yes"]);
});

test("No Local keeps one's own messages back, also those published without the session", async (t) => {
  const broker = await startBroker(t);
  const session = await connected(await admitted(broker, "c1"));
  const heard = receiver();
  session.subscribe({ filter: "a", ...all, noLocal: true }, heard);
  await (await admitted(broker, "c1")).publish(publication("a", "own"));
  await (await admitted(broker, "c2")).publish(publication("a", "other"));
  await eventually(() => heard.messages.length > 0, "one came");
  assert.deepEqual(heard.texts, ["other"]);
});

test("there are as many subscriptions as the broker's limit says, and shared ones share", async (t) => {
  const broker = await startBroker(t, { limits: { subscriptions: 2 } });
  const session = await connected(await admitted(broker, "c1"));
  const [one, two] = [receiver(), receiver()];
  assert.equal(session.subscribe({ filter: "$share/g/a", ...all, noLocal: true }, one), "invalid");
  assert.equal(session.subscribe({ filter: "$share/g/a", ...all }, one), undefined);
  const other = await connected(await admitted(broker, "c2"));
  other.subscribe({ filter: "$share/g/a", ...all }, two);
  for (const text of ["1", "2", "3", "4"])
    void broker.publish({ topic: "a", payload: Buffer.from(text), qos: 1, retain: false });
  await eventually(() => one.messages.length + two.messages.length === 4, "all came");
  assert.deepEqual([one.messages.length, two.messages.length], [2, 2]);
  assert.equal(session.subscribe({ filter: "b", ...all }, one), undefined);
  assert.equal(session.subscribe({ filter: "b", ...all }, two), undefined, "the same again is no new one");
  assert.equal(session.subscribe({ filter: "c", ...all }, one), "too_many");
});
