import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deliver } from "../../../../src/broker/routes/matched.js";
import { Routes } from "../../../../src/broker/routes/routes.js";
import { parseFilter } from "../../../../src/broker/routes/shared-filter.js";
import { Listener, PLAIN, publication } from "./specimens.js";

const NAMES = ["one", "two", "three", "four"];

function group(): { routes: Routes; members: Listener[]; publish: (topic: string, times?: number) => void } {
  const routes = new Routes();
  const members = NAMES.map((name) => new Listener(name));
  for (const member of members) routes.subscribe("$share/g/t/+", member, PLAIN);
  const publish = (topic: string, times = 1): void => {
    for (let time = 0; time < times; time++) assert.equal(deliver(routes.match(topic), publication(topic)), 1);
  };
  return { routes, members, publish };
}

const counts = (members: readonly Listener[]): number[] => members.map(({ heard }) => heard.length);

describe("a group that shares a filter", () => {
  it("takes turns", () => {
    const { members, publish } = group();
    publish("t/a", 40);
    assert.deepEqual(counts(members), [10, 10, 10, 10]);
  });

  it("takes turns over topics that come once each", () => {
    const { members, publish } = group();
    for (let number = 0; number < 40; number++) publish(`t/${number}`);
    assert.deepEqual(counts(members), [10, 10, 10, 10]);
  });

  it("prefers those who are online, and keeps to its turns without them", () => {
    const { members, publish } = group();
    for (const index of [0, 2]) Object.assign(members[index] ?? {}, { online: false });
    publish("t/a", 40);
    assert.deepEqual(counts(members), [0, 20, 0, 20]);
    for (const member of members) member.online = false;
    publish("t/a", 40);
    assert.deepEqual(counts(members), [10, 30, 10, 30]);
  });

  it("is fair among those who may have the topic, whatever comes between", () => {
    const { members, publish } = group();
    members[0]?.forbidden.add("t/a");
    members[3]?.forbidden.add("t/a");
    for (let time = 0; time < 30; time++) {
      publish("t/a");
      publish("t/b");
    }
    const heard = (topic: string): number[] =>
      members.map((member) => member.heard.filter(({ publication }) => publication.topic === topic).length);
    assert.deepEqual(heard("t/a").slice(1, 3).toSorted(), [15, 15]);
    assert.deepEqual([heard("t/a")[0], heard("t/a")[3]], [0, 0]);
    assert.deepEqual(heard("t/b"), [15, 0, 0, 15]);
  });

  it("goes on when some leave and come", () => {
    const { routes, members, publish } = group();
    const [one, two, three, four] = members;
    assert.ok(one && two && three && four);
    publish("t/a", 3);
    routes.unsubscribe("$share/g/t/+", two);
    routes.unsubscribe("$share/g/t/+", four);
    publish("t/a", 20);
    assert.deepEqual(counts(members), [11, 1, 11, 0]);
    assert.equal(routes.subscribe("$share/g/t/+", one, { ...PLAIN, qos: 2 }), false);
    assert.equal(routes.subscribe("$share/g/t/+", two, PLAIN), true);
    publish("t/a", 3);
    assert.deepEqual(counts(members), [12, 2, 12, 0]);
    assert.equal(one.heard.at(-1)?.grant.qos, 2);
    for (const member of [one, two, three]) routes.unsubscribe("$share/g/t/+", member);
    assert.deepEqual(routes.match("t/a").shares, []);
    assert.equal(routes.size.groups, 0);
  });

  it("gets a message besides other groups and besides its members' own subscriptions (MQTT 5 4.8.2)", () => {
    const routes = new Routes();
    const one = new Listener("one");
    const filters = ["t/a", "$share/g/t/a", "$share/h/t/a", "$share/g/t/+"];
    for (const filter of filters) routes.subscribe(filter, one, { ...PLAIN, noLocal: filter === "t/a" });
    assert.equal(deliver(routes.match("t/a"), publication("t/a")), 4);
    assert.equal(deliver(routes.match("t/a"), publication("t/a", "one")), 3);
  });
});

describe("a shared filter", () => {
  it("has a group of one character at least, without a wildcard, and a filter (MQTT-4.8.2-1, -2)", () => {
    assert.deepEqual(parseFilter("$share/g/a/+"), { group: "g", filter: "a/+" });
    assert.deepEqual(parseFilter("$share/g//"), { group: "g", filter: "/" });
    assert.deepEqual(parseFilter("$share/g/#"), { group: "g", filter: "#" });
    assert.deepEqual(parseFilter("$shared/g/a"), { group: undefined, filter: "$shared/g/a" });
    assert.deepEqual(parseFilter("$share"), { group: undefined, filter: "$share" });
    const wrong = ["$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#", "$share/g+/a", "a#", ""];
    for (const text of wrong) assert.equal(parseFilter(text), undefined, text);
  });

  it("that is wrong matches nothing that one can publish to, and breaks nothing", () => {
    const routes = new Routes();
    assert.ok(routes.subscribe("$share//a", new Listener("one"), PLAIN));
    assert.deepEqual(routes.match("a").routes, []);
  });
});
