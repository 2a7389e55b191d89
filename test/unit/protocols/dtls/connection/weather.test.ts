import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientOptions, ServerOptions } from "../../../../../src/protocols/dtls/options.js";
import { seeded } from "../../../../support/random.js";
import { FAIR, Network, type Weather } from "./network.js";
import { pskClient, pskServer, rawKeyPair, sessionOf, suitesOf } from "./options.js";

/** 20 % of all datagrams are lost, each way. */
const LOSS: Weather = { loss: 0.2, doubled: 0, delay: [10, 10] };
const REORDERED: Weather = { loss: 0, doubled: 0, delay: [1, 400] };
const DOUBLED: Weather = { loss: 0, doubled: 0.5, delay: [10, 60] };
const FOUL: Weather = { loss: 0.2, doubled: 0.2, delay: [5, 700] };
const TINY = { mtu: 150 };
/** What the timers of the standard allow (RFC 6347 4.2.4.1): 1 + 2 + 4 + ... s with the pauses of both sides. */
const PATIENCE = 243_000;

interface Pair {
  readonly client: ClientOptions;
  readonly server: ServerOptions;
}

const raw = rawKeyPair();
const ecdhe = pskClient({ suites: suitesOf("ecdhe_psk") });
const session = sessionOf(pskClient(), pskServer);
const PAIRS: Readonly<Record<string, Pair>> = {
  PSK: { client: pskClient(), server: pskServer() },
  ECDHE_PSK: { client: ecdhe, server: pskServer() },
  "ECDHE_ECDSA, both with keys": raw,
  "a session that goes on": {
    client: pskClient({ session }),
    server: pskServer({ resume: () => session }),
  },
  "connection ids": {
    client: pskClient({ cid: Buffer.from("client") }),
    server: pskServer({ cid: Buffer.from("server") }),
  },
};

/** Many handshakes; how long each took, in ms of the network. */
function play({ client, server }: Pair, weather: Weather, count: number, more: Partial<Pair["client"]> = {}): number[] {
  const times: number[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const network = new Network({ ...client, ...more }, { ...server, ...tiny(more) }, weather, seeded(seed));
    const begun = network.now;
    network.handshake(begun + PATIENCE);
    const { client: a, server: b } = network;
    const told = `seed ${seed}: ${a.closed?.kind} ${b.closed?.kind}`;
    assert.ok(a.established !== undefined && b.established !== undefined, told);
    assert.equal(a.established.suite, b.established.suite, told);
    assert.equal(a.established.resumed, client.session !== undefined, told);
    assert.equal(Buffer.compare(a.established.ownCid, b.established.peerCid), 0, told);
    assert.equal(Buffer.compare(b.established.ownCid, a.established.peerCid), 0, told);
    times.push(network.now - begun);
    // Each what it is sent, until it came once.
    for (let attempt = 0; attempt < 60 && (a.data.length === 0 || b.data.length === 0); attempt++) {
      if (b.data.length === 0) network.send("client", "up");
      if (a.data.length === 0) network.send("server", "down");
      network.run(network.now + 800);
    }
    assert.equal(b.data[0], "up", told);
    assert.equal(a.data[0], "down", told);
    assert.ok(a.closed === undefined && b.closed === undefined, told);
  }
  return times;
}

function tiny(more: { mtu?: number }): { mtu?: number } {
  return more.mtu === undefined ? {} : { mtu: more.mtu };
}

function percentile(times: readonly number[], part: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? 0;
}

for (const [name, pair] of Object.entries(PAIRS)) {
  const count = name.startsWith("ECDHE") ? 60 : 500;
  test(`${name}: fair weather takes no retransmission`, () => {
    assert.ok(percentile(play(pair, FAIR, 20), 0.99) < 200);
  });
  test(`${name}: 20 % of the datagrams lost each way`, () => {
    const times = play(pair, LOSS, count);
    // Each lost flight costs a second, then two: half of the handshakes lose two at most.
    assert.ok(percentile(times, 0.5) < 4000, `half within ${percentile(times, 0.5)} ms`);
  });
  test(`${name}: datagrams in any order`, () => {
    play(pair, REORDERED, count);
  });
  test(`${name}: datagrams twice`, () => {
    assert.ok(percentile(play(pair, DOUBLED, count), 0.99) < 1000, "nothing had to be sent again");
  });
  test(`${name}: all of it, in datagrams of 150 bytes`, () => {
    play(pair, FOUL, Math.ceil(count / 2), TINY);
  });
}
