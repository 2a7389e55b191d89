import assert from "node:assert/strict";
import { test } from "node:test";
import { plainFilter } from "../../../../src/broker/session/sessions.js";
import { GRANT, identityOf, openSessions, willOf } from "./fakes.js";
import { publicationOf } from "./model.js";

const sub = (filter: string) => ({ filter, qos: 1 as const, noLocal: false, retainAsPublished: false });
const FOREVER = 0xffff_ffff;

test("a session with an expiry is there again, also without subscriptions; one without is not", () => {
  const { sessions, connect } = openSessions();
  for (const [id, expiry] of [
    ["a", 0],
    ["b", 10],
  ] as const) {
    const { session } = connect(id, { expiry });
    sessions.close(session);
    assert.equal(connect(id, { expiry }).present, expiry > 0);
  }
});

test("it ends when its expiry has passed since its connection ended, and not before; the longest never", () => {
  const { sessions, clock, connect } = openSessions();
  sessions.close(connect("a", { expiry: 10 }).session);
  sessions.close(connect("b", { expiry: FOREVER }).session);
  clock.now = 9_999;
  sessions.sweep();
  assert.equal(sessions.size, 2);
  clock.now = 10_000;
  sessions.sweep();
  assert.equal(sessions.get("a"), undefined);
  clock.now = 10 ** 15;
  sessions.sweep();
  assert.equal(sessions.size, 1);
});

test("a clean start ends the kept one, with its subscriptions and its will", () => {
  const { sessions, connect, routed, wills, store } = openSessions();
  const { session } = connect("a", { expiry: 10, will: willOf("w", 5) });
  sessions.subscribe(session, sub("x"));
  sessions.close(session);
  assert.equal(connect("a", { cleanStart: true }).present, false);
  assert.deepEqual(routed, ["+x", "-x"]);
  assert.deepEqual(wills, ["a w"]);
  assert.ok(store.said.includes("dropSession a"));
});

test("a takeover closes the older connection, publishes its will, and leaves the session to the newer", () => {
  const { sessions, connect, wills } = openSessions();
  const first = connect("a", { expiry: 10, will: willOf("w") });
  const second = connect("a", { expiry: 10 });
  assert.deepEqual(first.link.closed, ["taken_over"]);
  assert.equal(second.present, true);
  assert.equal(second.session, first.session);
  assert.equal(second.session.link, second.link);
  assert.deepEqual(wills, ["a w"]);
  assert.equal(sessions.away, 0);
});

test("another user with the same client id gets a session of its own", () => {
  const { sessions, connect } = openSessions();
  const { session } = connect("a", { expiry: 10, identity: identityOf("a", { user: "u" }) });
  session.deliver(publicationOf("secret"), GRANT);
  sessions.close(session);
  session.deliver(publicationOf("secret"), GRANT);
  const other = connect("a", { expiry: 10, identity: identityOf("a", { user: "v" }) });
  assert.equal(other.present, false);
  assert.equal(other.session.outgoing.waiting, 0);
});

test("who comes back through another listener is asked again what it may have", () => {
  const { sessions, connect, routed } = openSessions();
  sessions.close(connect("a", { expiry: 10 }).session);
  connect("a", { expiry: 10 });
  assert.deepEqual(routed, []);
  connect("a", { expiry: 10, identity: identityOf("a", { listener: "tcp://other" }) });
  assert.deepEqual(routed, ["invalidate"]);
});

test("a will comes at once, after its delay, with the end of its session, or not where the client is back", () => {
  const { sessions, clock, connect, wills } = openSessions();
  sessions.close(connect("now", { expiry: 100, will: willOf("w") }).session);
  assert.deepEqual(wills.splice(0), ["now w"]);
  sessions.close(connect("later", { expiry: 100, will: willOf("w", 10) }).session);
  sessions.close(connect("ends", { expiry: 5, will: willOf("w", 10) }).session);
  sessions.close(connect("back", { expiry: 100, will: willOf("w", 10) }).session);
  sessions.sweep();
  assert.deepEqual(wills, []);
  connect("back", { expiry: 100 });
  clock.now = 5_000;
  sessions.sweep();
  assert.deepEqual(wills.splice(0), ["ends w"]);
  clock.now = 10_000;
  sessions.sweep();
  sessions.sweep();
  assert.deepEqual(wills, ["later w"]);
});

test("only those that outlive their connection are counted as kept", () => {
  const { sessions, connect } = openSessions();
  connect("transient");
  assert.equal(sessions.kept, 0);
  const { session } = connect("a", { expiry: 10 });
  assert.equal(sessions.kept, 1);
  sessions.close(session);
  assert.equal(sessions.kept, 1);
  // It comes back and does not want it any more.
  const again = connect("a", { expiry: 0 });
  assert.equal(again.present, true);
  assert.equal(sessions.kept, 0);
  sessions.close(again.session);
  assert.deepEqual([sessions.kept, sessions.size], [0, 1]);
  connect("b", { expiry: 10 });
  connect("b", { expiry: 10, cleanStart: true });
  assert.equal(sessions.kept, 1);
});

test("what a crash left is there: subscriptions routed, messages waiting, a will that is due", () => {
  const entry = {
    sequence: 3,
    publication: publicationOf("m"),
    qos: 1 as const,
    retain: false,
    identifiers: undefined,
  };
  const { sessions, routed, wills, connect } = openSessions({}, [
    {
      ...{
        clientId: "a",
        user: undefined,
        listener: "tcp://l",
        expiry: 10,
        subscriptions: [sub("x")],
        nextSequence: 9,
      },
      queue: [{ ...entry, released: false }],
      received: [7],
    },
    {
      ...{ clientId: "w", listener: "tcp://l", expiry: 0, will: willOf("will"), subscriptions: [], nextSequence: 0 },
      queue: [],
      received: [],
    },
  ]);
  assert.deepEqual(routed, ["+x"]);
  sessions.sweep();
  assert.deepEqual(wills, ["w will"]);
  const { session, present, link } = connect("a", { expiry: 10 });
  assert.equal(present, true);
  assert.ok(session.received.has(7));
  session.outgoing.attach(link);
  assert.deepEqual(link.said, ["publish 4 m dup"]);
  assert.equal(session.outgoing.nextSequence, 9);
});

test("the filter of a shared subscription", () => {
  assert.deepEqual(["a/b", "$share/g/a/b", "$share/g/#"].map(plainFilter), ["a/b", "a/b", "#"]);
});
