import assert from "node:assert/strict";
import { test } from "node:test";
import { clientLink, GRANT, openSessions, willOf } from "./fakes.js";
import { publicationOf } from "./model.js";

test("the QoS is the lower of the message's and the subscription's; QoS 0 is for who is there", () => {
  const { connect, sessions } = openSessions();
  const { session, link } = connect("a", { expiry: 10 });
  session.outgoing.attach(link);
  for (const [published, granted] of [
    [0, 2],
    [2, 0],
    [1, 2],
    [2, 1],
    [2, 2],
  ] as const)
    session.deliver(publicationOf(`${published}${granted}`, { qos: published }), { ...GRANT, qos: granted });
  assert.deepEqual(link.said, ["publish 0 02", "publish 0 20", "publish 1 12", "publish 2 21", "publish 3 22"]);
  sessions.close(session);
  session.deliver(publicationOf("away", { qos: 0 }), GRANT);
  const later = clientLink();
  session.attach(later);
  session.outgoing.attach(later);
  assert.ok(!later.said.join().includes("away"));
});

test("what is too large for the client is counted", () => {
  const { connect, dropped } = openSessions();
  const { session, link } = connect("a");
  link.longest = 1;
  session.deliver(publicationOf("long", { qos: 0 }), GRANT);
  assert.deepEqual(dropped, ["a too_large"]);
});

test("a session that ends with its connection is not noted; its will is", () => {
  const { connect, store, sessions } = openSessions();
  const { session } = connect("a");
  sessions.subscribe(session, { filter: "x", qos: 1, noLocal: false, retainAsPublished: false });
  session.receive(1);
  sessions.close(session);
  assert.deepEqual(store.said, []);
  connect("b", { will: willOf("w") });
  assert.deepEqual(store.said, ["putSession b"]);
});

test("a kept session that is over notes nothing any more: the next one of that client must not find it", () => {
  const { connect, store } = openSessions();
  const { session } = connect("a", { expiry: 10 });
  connect("a", { expiry: 10, cleanStart: true });
  store.said.length = 0;
  // A QoS 2 message of the older connection comes to its end only now.
  session.receive(7);
  session.complete(7);
  assert.deepEqual(store.said, []);
});

test("all that must survive is noted", () => {
  const { connect, store, sessions } = openSessions();
  const { session, link } = connect("a", { expiry: 10 });
  session.outgoing.attach(link);
  sessions.subscribe(session, { filter: "x", qos: 1, noLocal: false, retainAsPublished: false });
  session.receive(1);
  session.complete(1);
  session.deliver(publicationOf("m"), GRANT);
  session.outgoing.received(1);
  session.outgoing.completed(1);
  sessions.unsubscribe(session, "x");
  assert.deepEqual(store.said, [
    "putSession a",
    "putSubscription a",
    "received a 1",
    "completed a 1",
    "enqueue a",
    "released a 0",
    "settled a 0",
    "dropSubscription a x",
  ]);
});
