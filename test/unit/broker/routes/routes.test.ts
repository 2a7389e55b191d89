import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deliver } from "../../../../src/broker/routes/matched.js";
import { Routes } from "../../../../src/broker/routes/routes.js";
import { Listener, PLAIN, publication } from "./specimens.js";

function receivers(routes: Routes, topic: string): (string | undefined)[] {
  return routes.match(topic).routes.map((route) => route.subscriber.clientId);
}

describe("routes", () => {
  it("follow the rules for wildcards, empty levels and $ (MQTT 4.7)", () => {
    const taken = (filter: string, topic: string): boolean => {
      const routes = new Routes();
      routes.subscribe(filter, new Listener("one"), PLAIN);
      // So that filters are found by branches too, not only by the one leaf.
      for (const beside of ["+", "+/+", "a/+", "a/+/+", "+/x", "a/#", "/+", "#"]) {
        if (beside !== filter) routes.subscribe(beside, new Listener("other"), PLAIN);
      }
      return receivers(routes, topic).includes("one");
    };
    assert.ok(taken("a/+/b", "a//b"));
    assert.ok(taken("+/x", "/x"));
    assert.ok(taken("/+", "/"));
    assert.ok(taken("a/+", "a/"));
    assert.ok(taken("a/#", "a"));
    assert.ok(taken("a/#", "a/"));
    assert.ok(taken("+/#", "a"));
    assert.ok(taken("#", "/"));
    assert.ok(!taken("a/+", "a"));
    assert.ok(!taken("+", "a/b"));
    assert.ok(!taken("+", "/"));
    assert.ok(!taken("a", "a/"));
    assert.ok(!taken("#", "$SYS"));
    assert.ok(!taken("+/x", "$SYS/x"));
    assert.ok(taken("$SYS/#", "$SYS/x"));
    assert.ok(taken("a/+", "a/$x"));
  });

  it("take names that objects have already as any other", () => {
    const routes = new Routes();
    for (const filter of ["__proto__/+", "constructor", "a/toString/#"]) {
      assert.ok(routes.subscribe(filter, new Listener(filter), PLAIN));
    }
    assert.deepEqual(receivers(routes, "__proto__/x"), ["__proto__/+"]);
    assert.deepEqual(receivers(routes, "constructor"), ["constructor"]);
    assert.deepEqual(receivers(routes, "a/toString"), ["a/toString/#"]);
    assert.deepEqual(receivers(routes, "hasOwnProperty"), []);
    assert.equal(routes.unsubscribe("valueOf", new Listener("x")), false);
  });

  it("say whether a subscription is new, and whether there was one", () => {
    const routes = new Routes();
    const one = new Listener("one");
    assert.equal(routes.subscribe("a/+", one, PLAIN), true);
    assert.equal(routes.subscribe("a/+", one, { ...PLAIN, qos: 2 }), false);
    assert.equal(routes.match("a/b").routes[0]?.grant.qos, 2);
    assert.equal(routes.subscribe("a/+", new Listener("two"), PLAIN), true);
    assert.equal(routes.subscribe("$share/g/a/+", one, PLAIN), true);
    assert.deepEqual(routes.size, { subscriptions: 3, filters: 1, groups: 1, topics: 0 });
    assert.equal(routes.unsubscribe("$share/h/a/+", one), false);
    assert.equal(routes.unsubscribe("$share/g/a/+", one), true);
    assert.equal(routes.unsubscribe("a/+", one), true);
    assert.equal(routes.unsubscribe("a/+", one), false);
    assert.deepEqual(receivers(routes, "a/b"), ["two"]);
    assert.deepEqual(routes.size, { subscriptions: 1, filters: 1, groups: 0, topics: 1 });
  });

  it("merge what overlaps into one", () => {
    const routes = new Routes();
    const one = new Listener("one");
    routes.subscribe("a/b", one, { qos: 0, noLocal: false, retainAsPublished: true, identifier: 7 });
    routes.subscribe("a/+", one, { qos: 2, noLocal: true, retainAsPublished: false, identifier: 8 });
    routes.subscribe("#", one, { qos: 1, noLocal: false, retainAsPublished: false, identifier: 7 });
    const [route, ...more] = routes.match("a/b").routes;
    assert.deepEqual(more, []);
    assert.deepEqual(
      { ...route?.grant, identifiers: route?.grant.identifiers?.toSorted() },
      { qos: 2, retainAsPublished: true, identifiers: [7, 7, 8] },
    );
    assert.deepEqual(route?.ownGrant, { qos: 1, retainAsPublished: true, identifiers: [7, 7] });
    assert.equal(routes.match("a/c").routes[0]?.ownGrant?.qos, 1);
    assert.equal(routes.match("b").routes[0]?.ownGrant, routes.match("b").routes[0]?.grant);
  });

  it("leave out one's own messages where that was asked for", () => {
    const routes = new Routes();
    const one = new Listener("one");
    routes.subscribe("a", one, { ...PLAIN, noLocal: true });
    assert.equal(deliver(routes.match("a"), publication("a", "one")), 0);
    assert.equal(deliver(routes.match("a"), publication("a", "two")), 1);
    assert.equal(deliver(routes.match("a"), publication("a")), 1);
    assert.equal(one.heard.length, 2);
  });

  it("leave out who may not have the topic, and ask again when that changes", () => {
    const routes = new Routes();
    const one = new Listener("one");
    one.forbidden.add("a/b");
    for (const filter of ["a/+", "$share/g/a/+"]) routes.subscribe(filter, one, PLAIN);
    assert.deepEqual(routes.match("a/b").routes, []);
    assert.deepEqual(routes.match("a/b").shares, []);
    assert.equal(deliver(routes.match("a/c"), publication("a/c")), 2);
    one.forbidden.clear();
    routes.invalidate();
    assert.equal(deliver(routes.match("a/b"), publication("a/b")), 2);
  });

  it("know at once of a subscription that comes or goes", () => {
    const routes = new Routes();
    const listeners = new Map<string, Listener>();
    routes.subscribe("x", new Listener("so that topics are looked up"), PLAIN);
    for (const filter of ["a/b", "a/+", "#", "$share/g/a/b"]) {
      const before = routes.match("a/b");
      const listener = new Listener(filter);
      listeners.set(filter, listener);
      routes.subscribe(filter, listener, PLAIN);
      const now = routes.match("a/b");
      assert.equal(now.routes.length + now.shares.length, before.routes.length + before.shares.length + 1, filter);
    }
    for (const [filter, listener] of listeners) routes.unsubscribe(filter, listener);
    assert.equal(deliver(routes.match("a/b"), publication("a/b")), 0);
  });

  it("take a filter and a topic of 32,767 levels", () => {
    const routes = new Routes();
    const deep = "+/".repeat(32_766);
    const [one, two] = [new Listener("one"), new Listener("two")];
    routes.subscribe(`${deep}x`, one, PLAIN);
    routes.subscribe(`${deep}+`, two, PLAIN);
    const topic = `${"a/".repeat(32_766)}x`;
    assert.deepEqual(receivers(routes, topic).toSorted(), ["one", "two"]);
    assert.ok(routes.unsubscribe(`${deep}x`, one));
    assert.deepEqual(receivers(routes, topic), ["two"]);
  });
});
