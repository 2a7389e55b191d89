import assert from "node:assert/strict";
import { test } from "node:test";
import { SUITES } from "../../../../../src/protocols/dtls/crypto/index.js";
import type { Side } from "../../../../../src/protocols/dtls/crypto/secrets.js";
import { Association } from "../../../../../src/protocols/dtls/endpoint/association.js";
import { Registry } from "../../../../../src/protocols/dtls/endpoint/registry.js";
import { serverConnection } from "../../../../../src/protocols/dtls/connection.js";
import { peerAt } from "./network.js";

const EMPTY = new Uint8Array(0);
let count = 0;

/** One that begins at an address. Its connection is never asked. */
function begun(registry: Registry, port: number, cid: Uint8Array = EMPTY, side: Side = "server"): Association {
  const hello = { version: 0, random: EMPTY, sessionId: EMPTY, cookie: EMPTY, suites: [], extensions: {} };
  const verified = { hello, body: EMPTY, messageSequence: 0, recordSequence: 0 };
  const options = {
    suites: SUITES,
    cid: undefined,
    mtu: 1200,
    timing: { first: 1, longest: 1, retransmissions: 1, lastFlight: 1 },
    maxMessage: 100,
    random: (length: number) => new Uint8Array(length),
    wall: 0,
    keys: [],
    trust: undefined,
    psk: undefined,
    clientCertificate: "none" as const,
    resume: undefined,
  };
  const { connection } = serverConnection(verified, options, 0);
  const association = new Association(`id ${++count}`, side, connection, peerAt("10.0.0.1", port), cid, 0);
  registry.begin(association);
  return association;
}

/** `identity`: empty where it has proved none. */
function settled(registry: Registry, port: number, cid: Uint8Array = EMPTY, identity = "device"): Association {
  const association = begun(registry, port, cid);
  const [suite] = SUITES;
  assert.ok(suite);
  association.established = {
    identity: identity === "" ? undefined : { kind: "psk", identity },
    suite,
    resumed: false,
    extendedMasterSecret: true,
    ownCid: cid,
    peerCid: EMPTY,
    session: undefined,
    pskDigest: undefined,
  };
  registry.settle(association);
  return association;
}

test("what begins and ends leaves nothing", () => {
  const registry = new Registry();
  const [server, client] = [begun(registry, 1), begun(registry, 2, EMPTY, "client")];
  assert.deepEqual([registry.accepting.size, registry.connecting.size, registry.acceptingFrom("10.0.0.1")], [1, 1, 1]);
  const session = settled(registry, 3, Uint8Array.of(1, 2, 3, 4));
  assert.equal(registry.byCid.size, 1);
  assert.deepEqual([...registry.ofIdentity(session)], [session]);
  for (const each of [server, client, session]) {
    registry.deadlines.set(each, 5);
    registry.remove(each);
    assert.equal(registry.at(each.at.id), undefined);
  }
  const { accepting, connecting, open, byId, byCid, perNetwork, deadlines } = registry;
  for (const { size } of [accepting, connecting, open, byId, byCid, perNetwork]) assert.equal(size, 0);
  assert.equal(deadlines.first, undefined);
  assert.equal(registry.ofIdentity(session).size, 0);
});

test("a session that is found by its address alone keeps it from one that has an id", () => {
  const registry = new Registry();
  const [fixed, moving] = [settled(registry, 1), settled(registry, 2, Uint8Array.of(1, 2, 3, 4))];
  registry.move(moving, fixed.at);
  assert.equal(registry.at(fixed.at.id)?.open, fixed);
  assert.equal(registry.at(peerAt("10.0.0.1", 2).id), undefined);
  // It goes on by its id, and its end takes nothing from the other.
  assert.equal(moving.port, 1);
  registry.remove(moving);
  assert.equal(registry.at(fixed.at.id)?.open, fixed);
});

test("of two that have ids the one that moved last has the address", () => {
  const registry = new Registry();
  const [first, second] = [1, 2].map((n) => settled(registry, n, Uint8Array.of(n, 2, 3, 4)));
  assert.ok(first && second);
  registry.move(second, first.at);
  assert.equal(registry.at(first.at.id)?.open, second);
  registry.remove(first);
  assert.equal(registry.at(second.at.id)?.open, second);
});

test("open ones are in the order in which they were heard, in all and of one identity", () => {
  const registry = new Registry();
  const [a, b, c] = [settled(registry, 1), settled(registry, 2), settled(registry, 3, EMPTY, "other")];
  registry.hear(a, 5_000);
  assert.deepEqual([...registry.open], [b, c, a]);
  assert.deepEqual([...registry.ofIdentity(a)], [b, a]);
  // Within a second of before nothing is moved.
  registry.hear(b, 500);
  assert.deepEqual([...registry.open], [b, c, a]);
});

test("those that have proved nothing are counted as one", () => {
  const registry = new Registry();
  const [a, b, c] = [settled(registry, 1, EMPTY, ""), settled(registry, 2, EMPTY, ""), settled(registry, 3)];
  assert.deepEqual([...registry.ofIdentity(a)], [a, b]);
  registry.hear(a, 5_000);
  registry.remove(c);
  assert.deepEqual([...registry.ofIdentity(a)], [b, a]);
  registry.remove(a);
  registry.remove(b);
  assert.equal(registry.ofIdentity(a).size, 0);
});
