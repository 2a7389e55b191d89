import assert from "node:assert/strict";
import { test } from "node:test";
import { abilitiesOf, shortcomings } from "../../../../src/bridge/session/abilities.js";
import { TopicAliases } from "../../../../src/bridge/session/aliases.js";
import { Condemned } from "../../../../src/bridge/session/condemned.js";
import { afterConnect, afterReset, afterSessionRefused, mustReset } from "../../../../src/bridge/session/continuity.js";
import { inRanges } from "../../../../src/bridge/session/in-ranges.js";
import { Pace } from "../../../../src/bridge/session/pace.js";
import { Suspicion } from "../../../../src/bridge/session/suspicion.js";
import { Window } from "../../../../src/bridge/session/window.js";
import { parcelOf } from "./pure.js";

test("aliases: the first topics get one, and keep it", () => {
  const aliases = new TopicAliases(2);
  assert.deepEqual(aliases.next("a"), { alias: 1, known: false });
  assert.deepEqual(aliases.next("b"), { alias: 2, known: false });
  assert.equal(aliases.next("c"), undefined);
  assert.deepEqual(aliases.next("a"), { alias: 1, known: true });
  assert.equal(new TopicAliases(0).next("a"), undefined);
});

test("pace: no second sees more than the rate and a tenth of it, and what waits is let through in time", () => {
  const pace = new Pace(100);
  let now = 0;
  let sent = 0;
  while (now < 10_000) {
    const wait = pace.take(1, now);
    if (wait === 0) sent += 1;
    else now += wait;
  }
  assert.ok(sent >= 990 && sent <= 1_010, `${sent} in 10 s`);
});

test("pace: more than the bucket holds goes when it is full, and is paid for afterwards", () => {
  const pace = new Pace(10);
  assert.equal(pace.take(5, 0), 0);
  const wait = pace.take(1, 0);
  assert.ok(wait >= 400 && wait <= 500, `${wait} ms`);
  assert.equal(pace.take(1, wait), 0);
});

test("pace: without a rate nothing waits", () => {
  const pace = new Pace(undefined);
  for (let i = 0; i < 1_000; i++) assert.equal(pace.take(10, 0), 0);
});

test("condemned: messages of the topic that are as large, for a while; no other topic, nothing smaller, no batch", () => {
  const condemned = new Condemned();
  const [small, large] = [parcelOf(1), parcelOf(100)];
  const other = { ...large, message: { ...large.message, topic: "b" } };
  assert.ok(!condemned.holds(large, 0));
  condemned.add(large, 0);
  assert.ok(condemned.holds(large, 599_999) && !condemned.holds(small, 0) && !condemned.holds(other, 0));
  condemned.add(small, 0);
  assert.ok(condemned.holds(small, 0) && condemned.holds(large, 0));
  assert.ok(!condemned.holds(large, 600_000));
  condemned.add({ ...other, entries: [...other.entries, ...small.entries] }, 0);
  assert.ok(!condemned.holds(other, 0));
});

test("suspicion: guilty after being the only one on five connections that had proved to work", () => {
  const suspicion = new Suspicion();
  assert.equal(suspicion.ended(7, false), false);
  assert.equal(suspicion.suspect, 7);
  for (let i = 0; i < 4; i++) assert.equal(suspicion.ended(7, true), false);
  assert.equal(suspicion.ended(7, true), true);
  assert.equal(suspicion.suspect, undefined);
});

test("suspicion: connections that end before it was sent alone do not count, and an acknowledgement clears it", () => {
  const suspicion = new Suspicion();
  for (let i = 0; i < 50; i++) assert.equal(suspicion.ended(7, false), false);
  for (let i = 0; i < 4; i++) suspicion.ended(7, true);
  suspicion.cleared();
  assert.equal(suspicion.suspect, undefined);
  for (let i = 0; i < 5; i++) assert.equal(suspicion.ended(7, true), false);
  assert.equal(suspicion.ended(undefined, true), false);
});

test("window: all, and of QoS 2 no more than 19 where MQTT 3.1.1 cannot say", () => {
  const fill = (window: Window, qos: 1 | 2): number => {
    let count = 0;
    for (; window.fits(qos); count++) window.add(qos);
    return count;
  };
  assert.equal(fill(new Window(100, 4, undefined), 2), 19);
  assert.equal(fill(new Window(100, 4, undefined), 1), 100);
  assert.equal(fill(new Window(10, 4, undefined), 2), 10);
  assert.equal(fill(new Window(100, 5, undefined), 2), 100);
  assert.equal(fill(new Window(100, 5, 7), 1), 7);
  assert.equal(fill(new Window(100, 5, 500), 2), 100);
  const window = new Window(100, 4, undefined);
  assert.equal(fill(window, 2), 19);
  assert.ok(window.fits(1));
  window.remove(2);
  assert.equal(fill(window, 2), 1);
});

test("ranges: whether one holds a sequence", () => {
  const ranges = [
    { first: 3, last: 3 },
    { first: 5, last: 9 },
    { first: 20, last: 21 },
  ];
  const held = Array.from({ length: 25 }, (_, i) => i).filter((i) => inRanges(ranges, i));
  assert.deepEqual(held, [3, 5, 6, 7, 8, 9, 20, 21]);
  assert.equal(inRanges([], 1), false);
});

test("abilities: MQTT 5 says them, a probe finds them in 3.1.1, and what is missing is said", () => {
  const connack = { kind: "connack", sessionPresent: false, reasonCode: 0 } as const;
  const limits = { maximumQos: 1, retainAvailable: false, receiveMaximum: 9, topicAliasMaximum: 3 } as const;
  const five = abilitiesOf(5, { ...connack, properties: limits }, 2);
  assert.deepEqual([five.maximumQos, five.retain, five.receiveMaximum, five.topicAliases], [1, false, 9, 3]);
  assert.equal(shortcomings(five).length, 2);
  assert.deepEqual(shortcomings(abilitiesOf(4, connack, 2)), []);
  assert.match(shortcomings(abilitiesOf(4, connack, 1)).join(), /QoS 2 goes as QoS 1/);
});

test("continuity: in a first life every server gets a clean start, once", () => {
  const fresh = { home: undefined, clean: [] };
  assert.ok(mustReset(fresh, "a"));
  const reset = afterReset(fresh, "a");
  assert.ok(!mustReset(reset, "a") && mustReset(reset, "b"));
});

test("continuity: a server that was left for one that does not know the session is stale", () => {
  const atA = afterConnect(afterReset(afterReset({ home: undefined, clean: [] }, "b"), "a"), "a", false);
  assert.ok(!mustReset(atA, "a") && !mustReset(atA, "b"));
  const atB = afterConnect(atA, "b", false);
  assert.equal(atB.home, "b");
  assert.ok(mustReset(atB, "a") && !mustReset(atB, "b"));
  const backAtA = afterConnect(afterReset(atB, "a"), "a", false);
  assert.ok(!mustReset(backAtA, "a") && mustReset(backAtA, "b"));
});

test("continuity: servers that share sessions stay trusted; one that does not is not, even if it was left in order", () => {
  const atA = { home: "a", clean: ["a", "b"] };
  assert.ok(!mustReset(afterConnect(atA, "b", true), "a"));
  assert.ok(mustReset(afterConnect(atA, "b", false), "a"));
});

test("continuity: a server that refuses its session of ours gets a clean start", () => {
  const atA = { home: "a", clean: ["a", "b"] };
  const refused = afterSessionRefused(atA, "a");
  assert.ok(mustReset(refused, "a") && !mustReset(refused, "b"));
  assert.ok(!mustReset(afterReset(refused, "a"), "a"));
});
