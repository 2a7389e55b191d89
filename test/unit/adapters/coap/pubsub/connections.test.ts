import assert from "node:assert/strict";
import { test } from "node:test";
import { Connections } from "../../../../../adapters/coap/pubsub/connections.js";
import { Party } from "../../../../../adapters/coap/pubsub/party.js";
import { type FakeSession, fakeClient, fakeObserver, turn } from "./fakes.js";

const PSK = { kind: "psk", identity: "ann" } as const;
const wanted = { filter: "a", qos: 1, noLocal: false, retainHandling: 1 } as const;

async function partyOf(clientId: string, clock = { now: 0 }, sessions: FakeSession[] = []) {
  const ended: string[] = [];
  const party = await Party.connect(fakeClient(clientId, sessions), {
    notify: "qos",
    ticks: () => clock.now,
    ended: ({ client }) => ended.push(client.clientId),
  });
  assert.ok(typeof party === "object");
  return { party, ended, clock };
}

test("a connection is found by its client id, its token and whoever proved the same, and by nothing less", async () => {
  const connections = new Connections(30_000);
  const { party } = await partyOf("c");
  const token = connections.add(party, PSK);
  assert.match(token, /^[\w-]{22}$/);
  assert.equal(connections.find("c", token, PSK), party);
  for (const [clientId, given, identity] of [
    ["d", token, PSK],
    ["c", "", PSK],
    ["c", `${token.slice(0, -1)}é`, PSK],
    ["c", token.toLowerCase(), PSK],
    ["c", token, undefined],
    ["c", token, { kind: "psk", identity: "bob" }],
    ["c", token, { kind: "raw-public-key", fingerprint: "ann" }],
  ] as const)
    assert.equal(connections.find(clientId, given, identity), undefined, `${clientId} ${given}`);
});

test("one that is taken over, or over, is not found; the older one does not take the newer one along", async () => {
  const connections = new Connections(30_000);
  const [first, second] = [await partyOf("c"), await partyOf("c")];
  const old = connections.add(first.party, undefined);
  const token = connections.add(second.party, undefined);
  assert.notEqual(old, token);
  assert.equal(connections.find("c", old, undefined), undefined);
  connections.remove(first.party);
  assert.equal(connections.find("c", token, undefined), second.party);
  second.party.end();
  assert.equal(connections.find("c", token, undefined), undefined);
  connections.remove(second.party);
  assert.equal(connections.size, 0);
});

test("one of which nothing was heard for one and a half heartbeats is silent", async () => {
  const connections = new Connections(1_000);
  const { party, clock } = await partyOf("c");
  connections.add(party, undefined);
  assert.deepEqual(connections.silent(1_500), []);
  assert.deepEqual(connections.silent(1_501), [party]);
  clock.now = 1_000;
  party.touch();
  assert.deepEqual(connections.silent(2_500), []);
});

for (const [why, code] of [
  ["taken_over", "4.01"],
  ["revoked", "4.01"],
  ["stopping", "5.03"],
] as const)
  test(`where its session ends (${why}), all that it observes is told ${code}`, async () => {
    const sessions: FakeSession[] = [];
    const { party, ended } = await partyOf("c", { now: 0 }, sessions);
    const observers = ["a", "b"].map((filter) => {
      const observer = fakeObserver("p");
      party.subscription(filter).observe(observer, { ...wanted, filter });
      return observer;
    });
    sessions[0]?.end(why);
    assert.deepEqual(
      observers.map(({ sent }) => sent[0]?.code),
      [code, code],
    );
    assert.deepEqual([party.over, party.observes, ended], [true, false, ["c"]]);
  });

test("a session that ends before anybody knows of it leaves nothing", async () => {
  const client = fakeClient("c");
  const ended: Party[] = [];
  const party = await Party.connect(
    {
      ...client,
      connect: async (over) => {
        const session = await client.connect(over);
        over("taken_over");
        return session;
      },
    },
    { notify: "qos", ticks: () => 0, ended: (one) => ended.push(one) },
  );
  assert.ok(typeof party === "object" && party.over);
  assert.deepEqual(ended, [party]);
});

test("unsubscribing ends the observation and the subscription; the last observer that goes does so too", async () => {
  const sessions: FakeSession[] = [];
  const { party } = await partyOf("c", { now: 0 }, sessions);
  let onEnd = (): void => {};
  const observer = fakeObserver("p", () => onEnd());
  onEnd = party.subscription("a").observe(observer, wanted);
  assert.equal(sessions[0]?.subscriptions.has("a"), true);
  party.unsubscribe("a");
  await turn();
  assert.deepEqual([observer.ended, sessions[0]?.subscriptions.size, party.observes], [true, 0, false]);
  const again = fakeObserver("p", () => onEnd());
  onEnd = party.subscription("a").observe(again, wanted);
  again.end();
  await turn();
  assert.deepEqual([sessions[0]?.subscriptions.size, party.observes], [0, false]);
});
