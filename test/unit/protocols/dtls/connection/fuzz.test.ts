import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientOptions, DEFAULT_TIMING, type ServerOptions } from "../../../../../src/protocols/dtls/options.js";
import { type Random, seeded } from "../../../../support/random.js";
import { FAIR, Network } from "./network.js";
import { pskClient, pskServer, rawKeyPair, sessionOf, suitesOf } from "./options.js";

const timing = { ...DEFAULT_TIMING, retransmissions: 2 };
const raw = rawKeyPair();
const session = sessionOf(pskClient(), pskServer);
const PAIRS: Readonly<Record<string, { client: ClientOptions; server: ServerOptions; count: number }>> = {
  PSK: { client: pskClient({ timing }), server: pskServer({ timing }), count: 20_000 },
  ECDHE_PSK: {
    client: pskClient({ timing, suites: suitesOf("ecdhe_psk") }),
    server: pskServer({ timing }),
    count: 10_000,
  },
  ECDHE_ECDSA: { client: { ...raw.client, timing }, server: { ...raw.server, timing }, count: 5_000 },
  "a session that goes on": {
    client: pskClient({ timing, session, cid: Buffer.of(1) }),
    server: pskServer({ timing, resume: () => session, cid: Buffer.of(2, 3) }),
    count: 20_000,
  },
};

/** One to three faults, anywhere. */
function damaged(datagram: Uint8Array, random: Random): Uint8Array {
  let bytes = Buffer.from(datagram);
  for (let fault = random.between(1, 3); fault > 0 && bytes.length > 0; fault--) {
    const at = random.between(0, bytes.length - 1);
    switch (random.between(0, 5)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.between(0, 7));
        break;
      case 1:
        bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes]);
        break;
      case 4:
        bytes = Buffer.concat([bytes, Buffer.from(datagram)]);
        break;
      default:
        bytes.fill(random.between(0, 255), at, Math.min(at + random.between(1, 8), bytes.length));
    }
  }
  return bytes;
}

for (const [name, { client, server, count }] of Object.entries(PAIRS)) {
  test(`${name}: ${count} damaged datagrams, and nothing throws`, () => {
    let done = 0;
    let opened = 0;
    for (let seed = 1; done < count; seed++) {
      const random = seeded(seed);
      const network = new Network(client, server, FAIR, random);
      network.tamper = (datagram) => {
        if (random.chance(0.6)) return [datagram];
        done++;
        return random.chance(0.5) ? [damaged(datagram, random)] : [damaged(datagram, random), datagram];
      };
      network.run(network.now + 10_000);
      const { client: a, server: b } = network;
      if (a.established === undefined || b.established === undefined) continue;
      opened++;
      assert.equal(a.established.suite, b.established.suite, `seed ${seed}`);
      network.tamper = (datagram) => [datagram];
      // It may have gone through, and then one of them was told to close.
      network.send("client", "up");
      network.run(network.now + 100);
      assert.deepEqual(b.data, a.closed === undefined && b.closed === undefined ? ["up"] : [], `seed ${seed}`);
    }
    assert.ok(opened > 100, `${opened} handshakes came through all the same`);
  });
}
