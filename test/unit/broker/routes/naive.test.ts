import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { deliver } from "../../../../src/broker/routes/matched.js";
import { Routes } from "../../../../src/broker/routes/routes.js";
import type { Grant, SubscriptionOptions } from "../../../../src/broker/routes/subscriber.js";
import { matches } from "../../../../src/core/topics.js";
import { filter, Listener, options, publication, topic } from "./specimens.js";

type Step =
  | { readonly do: "subscribe"; readonly filter: string; readonly who: number; readonly options: SubscriptionOptions }
  | { readonly do: "unsubscribe"; readonly which: number }
  | { readonly do: "forbid" | "allow"; readonly who: number; readonly topic: string }
  | { readonly do: "publish"; readonly topic: string; readonly from: string | undefined };

const PEOPLE = ["one", "two", "three", undefined];
const who = fc.nat(PEOPLE.length - 1);
const given = fc.oneof(
  { weight: 4, arbitrary: filter },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("g", "h"), filter).map(([name, of]) => `$share/${name}/${of}`) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("subscribe" as const), filter: given, who, options }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("unsubscribe" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("forbid" as const, "allow" as const), who, topic }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("publish" as const), topic, from: fc.constantFrom(...PEOPLE) }),
  },
);

interface Subscription {
  readonly filter: string;
  readonly listener: Listener;
  readonly options: SubscriptionOptions;
}

/** All subscriptions in a list, looked through each time. */
class Naive {
  readonly list: Subscription[] = [];

  subscribe(subscription: Subscription): boolean {
    const place = this.#place(subscription.filter, subscription.listener);
    if (place === -1) this.list.push(subscription);
    else this.list[place] = subscription;
    return place === -1;
  }

  unsubscribe(filter: string, listener: Listener): boolean {
    const place = this.#place(filter, listener);
    if (place !== -1) this.list.splice(place, 1);
    return place !== -1;
  }

  grant(listener: Listener, topic: string, from: string | undefined): Grant | undefined {
    if (listener.forbidden.has(topic)) return undefined;
    const own = listener.clientId === from;
    const all = this.list.filter(
      (one) => one.listener === listener && matches(one.filter, topic) && !(own && one.options.noLocal),
    );
    if (all.length === 0) return undefined;
    const identifiers = all.flatMap((one) => one.options.identifier ?? []);
    return {
      qos: [2, 1, 0].find((qos) => all.some((one) => one.options.qos === qos)) as 0 | 1 | 2,
      retainAsPublished: all.some((one) => one.options.retainAsPublished),
      identifiers: identifiers.length === 0 ? undefined : identifiers.toSorted(),
    };
  }

  /** The groups of which someone may have the topic, each with who that is. */
  groups(topic: string): Listener[][] {
    const found = new Map<string, Listener[]>();
    for (const { filter, listener } of this.list) {
      const [prefix, , ...levels] = filter.split("/");
      if (prefix !== "$share" || !matches(levels.join("/"), topic) || listener.forbidden.has(topic)) continue;
      found.set(filter, [...(found.get(filter) ?? []), listener]);
    }
    return [...found.values()];
  }

  #place(filter: string, listener: Listener): number {
    return this.list.findIndex((one) => one.filter === filter && one.listener === listener);
  }
}

function check(
  routes: Routes,
  naive: Naive,
  people: readonly Listener[],
  topic: string,
  from: string | undefined,
): void {
  const { routes: found, shares } = routes.match(topic);
  assert.equal(new Set(found.map((route) => route.subscriber)).size, found.length);
  for (const person of people) {
    const route = found.find(({ subscriber }) => subscriber === person);
    const sorted = (grant: Grant | undefined): Grant | undefined =>
      grant && { ...grant, identifiers: grant.identifiers?.toSorted() };
    assert.deepEqual(sorted(route?.grant), naive.grant(person, topic, "nobody"));
    assert.deepEqual(sorted(route?.ownGrant), naive.grant(person, topic, person.clientId));
  }
  const groups = naive.groups(topic);
  assert.equal(shares.length, groups.length);
  for (const person of people) person.heard.length = 0;
  const direct = people.filter((person) => naive.grant(person, topic, from) !== undefined);
  assert.equal(deliver(routes.match(topic), publication(topic, from)), direct.length + groups.length);
  for (const person of people) {
    const most = groups.filter((members) => members.includes(person)).length;
    const shared = person.heard.length - (direct.includes(person) ? 1 : 0);
    assert.ok(shared >= 0 && shared <= most);
  }
}

it("routes are what looking through all subscriptions finds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const routes = new Routes();
      const naive = new Naive();
      const people = PEOPLE.map((name) => new Listener(name));
      for (const one of steps) {
        const person = people["who" in one ? one.who : 0];
        assert.ok(person);
        if (one.do === "subscribe") {
          const added = naive.subscribe({ filter: one.filter, listener: person, options: one.options });
          assert.equal(routes.subscribe(one.filter, person, one.options), added);
        } else if (one.do === "unsubscribe") {
          const which = naive.list[one.which % (naive.list.length + 1)];
          const { filter: old, listener } = which ?? { filter: "none", listener: person };
          assert.equal(routes.unsubscribe(old, listener), naive.unsubscribe(old, listener));
        } else if (one.do === "publish") {
          check(routes, naive, people, one.topic, one.from);
        } else {
          if (one.do === "forbid") person.forbidden.add(one.topic);
          else person.forbidden.delete(one.topic);
          routes.invalidate();
        }
        assert.equal(routes.size.subscriptions, naive.list.length);
        const groups = new Set(naive.list.map((of) => of.filter).filter((text) => text.startsWith("$share/")));
        assert.equal(routes.size.groups, groups.size);
      }
      for (const { filter: old, listener } of naive.list) assert.ok(routes.unsubscribe(old, listener));
      const { subscriptions, groups, filters } = routes.size;
      assert.deepEqual([subscriptions, groups, filters], [0, 0, 0]);
    }),
    { numRuns: 1000 },
  );
});
