import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "../../../../src/broker/cluster/registry.js";
import type { Publication } from "../../../../src/broker/publication.js";
import type { StoredSubscription } from "../../../../src/broker/store/store.js";

const to = (topic: string, more: Partial<Publication> = {}): Publication => ({
  topic,
  payload: new Uint8Array(1),
  qos: 2,
  retain: false,
  ...more,
});
const of = (filter: string, more: Partial<StoredSubscription> = {}): StoredSubscription => ({
  filter,
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  ...more,
});

function opened(): { registry: Registry; log: string[] } {
  const log: string[] = [];
  const registry = new Registry((client, { topic }, { qos, retain, identifiers }) => {
    log.push(`${client} ${topic} ${qos} ${retain} ${identifiers?.toSorted().join()}`);
  });
  return { registry, log };
}

describe("the durable sessions of a cluster", () => {
  it("get a message once each, as all their subscriptions say together", () => {
    const { registry, log } = opened();
    registry.subscribe("one", of("a/+", { identifier: 1 }));
    registry.subscribe("one", of("a/b", { qos: 2, identifier: 2, retainAsPublished: true }));
    registry.subscribe("two", of("#"));
    assert.deepEqual([...registry.enqueue(to("a/b", { retain: true }))].sort(), ["one", "two"]);
    assert.deepEqual(log.sort(), ["one a/b 2 true 1,2", "two a/b 1 false undefined"]);
  });

  it("get nothing at QoS 0, nothing of their own where they do not want it, and nothing by a share", () => {
    const { registry } = opened();
    registry.subscribe("zero", of("t", { qos: 0 }));
    registry.subscribe("own", of("t", { noLocal: true }));
    registry.subscribe("shared", of("$share/g/t"));
    assert.deepEqual(registry.enqueue(to("t", { clientId: "own" })), []);
    assert.deepEqual(registry.enqueue(to("t", { clientId: "other" })), ["own"]);
    assert.deepEqual(registry.enqueue(to("t", { qos: 0 })), []);
  });

  it("are forgotten with their last subscription, and when QoS 0 takes its place", () => {
    const { registry } = opened();
    for (const client of ["one", "two"]) registry.subscribe(client, of("t"));
    registry.unsubscribe("one", "t");
    registry.unsubscribe("one", "unknown");
    assert.deepEqual(registry.enqueue(to("t")), ["two"]);
    registry.subscribe("two", of("t", { qos: 0 }));
    assert.deepEqual(registry.enqueue(to("t")), []);
  });

  it("are replaced by what Redis has", () => {
    const { registry } = opened();
    registry.subscribe("gone", of("t"));
    registry.replace([["new", [of("t"), of("u")]]]);
    assert.deepEqual(registry.enqueue(to("t")), ["new"]);
  });
});
