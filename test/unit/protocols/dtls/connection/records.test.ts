import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { trafficKeys } from "../../../../../src/protocols/dtls/crypto/index.js";
import { encodeAlert } from "../../../../../src/protocols/dtls/handshake/alert.js";
import { encodeMessage, HANDSHAKE_TYPES } from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import {
  CONTENT,
  Opener,
  PlaintextWriter,
  parseDatagram,
  Sealer,
} from "../../../../../src/protocols/dtls/record/index.js";
import { seeded } from "../../../../support/random.js";
import { FAIR, Network } from "./network.js";
import { pskClient, pskServer, sessionOf } from "./options.js";

const CHANGE_CIPHER_SPEC = 20;

function open(): Network {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.handshake();
  assert.equal(network.client.connection?.state, "open");
  assert.equal(network.server.connection?.state, "open");
  return network;
}

/** A record in the clear, numbered beyond all that were. */
function clear(type: number, bytes: Uint8Array): Uint8Array {
  return new PlaintextWriter(1000).write(type, bytes);
}

test("application data that overtakes the Finished waits for it", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  let finished: Uint8Array | undefined;
  network.tamper = (datagram, to) => {
    if (to === "server" || datagram[0] !== CHANGE_CIPHER_SPEC) return [datagram];
    finished = datagram;
    return [];
  };
  network.run(network.now + 100);
  assert.ok(finished !== undefined && network.server.established !== undefined);
  network.send("server", "early");
  network.run(network.now + 100);
  assert.deepEqual([network.client.data, network.client.outcomes.at(-1)], [[], "held"]);
  network.deliver("client", finished);
  assert.deepEqual(network.client.data, ["early"]);
});

test("what waits for a Finished is bounded", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.tamper = (datagram, to) => (to === "client" && datagram[0] === CHANGE_CIPHER_SPEC ? [] : [datagram]);
  network.run(network.now + 100);
  for (let count = 0; count < 40; count++) network.send("server", `early ${count}`);
  network.run(network.now + 100);
  const held = network.client.outcomes.filter((outcome) => outcome === "held");
  assert.equal(held.length, 16);
  assert.equal(network.client.outcomes.at(-1), "overflow");
  network.tamper = (datagram) => [datagram];
  network.run(network.now + 3000);
  assert.equal(network.client.data.length, 16);
});

test("records of epoch 1 that come before the keys wait for them, and they too are bounded", () => {
  const session = sessionOf(pskClient(), pskServer);
  const network = new Network(pskClient({ session }), pskServer({ resume: () => session }), FAIR, seeded(1));
  network.tamper = (datagram, to) => {
    if (to === "server") return [datagram];
    // ServerHello, change_cipher_spec, Finished: the last one comes first, each in a datagram of its own.
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (const { fragment } of parseDatagram(datagram, 0).records) {
      pieces.unshift(datagram.subarray(at, at + 13 + fragment.length));
      at += 13 + fragment.length;
    }
    return pieces;
  };
  network.run(network.now + 100);
  assert.equal(network.client.outcomes.filter((outcome) => outcome === "held").length, 1);
  assert.equal(network.client.established?.resumed, true);
  assert.equal(network.client.sent.length, 3, "nothing was sent again");
  const waiting = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  for (let count = 0; count < 40; count++) {
    const record = Uint8Array.from(clear(CONTENT.applicationData, new Uint8Array(100)));
    record[4] = 1;
    waiting.deliver("client", record);
  }
  const held = waiting.client.outcomes.filter((outcome) => outcome === "held");
  assert.equal(held.length, 16);
});

test("RFC 6347 4.2.4: a last flight that was lost is sent again when the peer asks with its Finished", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  let lost = 0;
  network.tamper = (datagram, to) => {
    if (to === "server" || datagram[0] !== CHANGE_CIPHER_SPEC || lost === 3) return [datagram];
    lost++;
    return [];
  };
  network.handshake();
  assert.equal(lost, 3);
  assert.equal(network.client.connection?.state, "open");
  // And no longer than for two lifetimes of a segment.
  assert.ok(network.server.connection?.deadline !== undefined);
  network.run();
  assert.equal(network.server.connection.deadline, undefined);
  assert.equal(network.server.connection.state, "open");
});

test("a record that comes again is not taken again", () => {
  const network = open();
  network.send("client", "once");
  network.run(network.now + 100);
  network.deliver("server", network.client.sent.at(-1) ?? new Uint8Array(0));
  assert.deepEqual([network.server.data, network.server.outcomes.at(-1)], [["once"], "replayed"]);
});

test("what is in the clear changes nothing once the handshake is over", () => {
  const network = open();
  const hello = encodeMessage({ type: HANDSHAKE_TYPES.client_hello, sequence: 0, body: new Uint8Array(50) });
  for (const datagram of [
    clear(CONTENT.alert, encodeAlert(40, "fatal")),
    clear(CONTENT.alert, encodeAlert(0, "warning")),
    clear(CONTENT.applicationData, Buffer.from("forged")),
    clear(CONTENT.handshake, hello),
    clear(CONTENT.changeCipherSpec, Uint8Array.of(1)),
  ]) {
    const { length } = network.server.sent;
    network.deliver("server", datagram);
    assert.equal(network.server.outcomes.at(-1), "ignored");
    assert.equal(network.server.sent.length, length);
  }
  network.send("client", "still there");
  network.run(network.now + 100);
  assert.deepEqual(network.server.data, ["still there"]);
});

test("a Finished in the clear is none", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.tamper = (datagram, to) => (to === "client" && datagram[0] === CHANGE_CIPHER_SPEC ? [] : [datagram]);
  network.run(network.now + 100);
  // The client waits for the Finished of the server, whose number is known to all.
  const finished = { type: HANDSHAKE_TYPES.finished, sequence: 3, body: new Uint8Array(12) };
  network.deliver("client", clear(CONTENT.handshake, encodeMessage(finished)));
  assert.equal(network.client.outcomes.at(-1), "ignored");
  network.tamper = (datagram) => [datagram];
  network.handshake();
  assert.equal(network.client.connection?.state, "open");
});

test("a fatal alert during the handshake ends it", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.deliver("client", clear(CONTENT.alert, encodeAlert(40, "fatal")));
  assert.deepEqual(network.client.closed, { kind: "alert", code: 40 });
  assert.equal(network.client.connection?.deadline, undefined);
});

test("damaged records are dropped in silence", () => {
  const network = open();
  network.send("client", "21.5");
  const good = network.client.sent.at(-1) ?? new Uint8Array(0);
  const sent = network.server.sent.length;
  for (let at = 13; at < good.length; at++) {
    const bad = Uint8Array.from(good);
    bad[at] = (bad[at] ?? 0) ^ 1;
    network.deliver("server", bad);
    assert.equal(network.server.outcomes.at(-1), "forged");
  }
  assert.equal(network.server.sent.length, sent);
  network.run(network.now + 100);
  assert.deepEqual(network.server.data, ["21.5"]);
});

test("close_notify is answered, and then there is nothing any more", () => {
  const network = open();
  network.close("client");
  network.run(network.now + 100);
  assert.deepEqual(network.client.closed, { kind: "closed" });
  assert.deepEqual(network.server.closed, { kind: "peer_closed" });
  assert.deepEqual(network.client.outcomes.at(-1), "ignored", "the answer comes to nobody");
  for (const side of ["client", "server"] as const) {
    const { connection } = network[side];
    assert.deepEqual([connection?.state, connection?.deadline], ["closed", undefined]);
    assert.deepEqual(connection?.send(Buffer.from("x")), []);
    assert.deepEqual(connection?.close(), []);
    assert.deepEqual(connection?.tick(Number.MAX_SAFE_INTEGER), []);
  }
});

test("a peer that answers nothing is given up", () => {
  const network = new Network(pskClient(), pskServer(), { ...FAIR, loss: 1 }, seeded(1));
  const begun = network.now;
  network.run();
  assert.deepEqual(network.client.closed, { kind: "timeout" });
  assert.equal(network.client.sent.length, 9);
  assert.equal(network.now - begun, 243_000);
});

test("a hello that comes again gets the same answer, but not more often than twice a second", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.tamper = (datagram, to) => (to === "client" && network.server.connection !== undefined ? [] : [datagram]);
  network.run(network.now + 100);
  const hello = network.client.sent.at(-1) ?? new Uint8Array(0);
  const before = network.server.sent.length;
  for (let count = 0; count < 100; count++) network.deliver("server", hello);
  assert.equal(network.server.sent.length, before);
  network.now += 500;
  for (let count = 0; count < 100; count++) network.deliver("server", hello);
  assert.equal(network.server.sent.length, before + 1);
});

test("what does not fit into a record is not sent", () => {
  const { client } = open();
  assert.equal(client.connection?.send(new Uint8Array(16_384)).length, 1);
  assert.equal(client.connection.send(new Uint8Array(16_385)).length, 0);
  assert.equal(client.connection.send(new Uint8Array(0)).length, 0);
});

test("a lookup that fails ends the handshake, and nothing else", () => {
  const lookup = (): never => {
    throw new Error("the file is gone");
  };
  const network = new Network(pskClient(), pskServer({ psk: { lookup, hint: undefined } }), FAIR, seeded(1));
  network.handshake();
  assert.equal(network.server.closed?.kind === "refused" && network.server.closed.error.code, "INTERNAL_ERROR");
});

test("a hello whose record number leaves none for ours", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.tamper = (datagram, to) => {
    if (to === "client") return [datagram];
    const changed = Uint8Array.from(datagram);
    changed.fill(0xff, 5, 11);
    return [changed];
  };
  network.handshake(5000);
  assert.deepEqual(network.server.closed, { kind: "exhausted" });
});

/** With what the client of a session that is open has: its keys, its numbers from a hundred on. */
function forgedClient(): { network: Network; sealer: Sealer } {
  const randoms: Uint8Array[] = [];
  const random = (length: number): Uint8Array => {
    const bytes = randomBytes(length);
    randoms.push(bytes);
    return bytes;
  };
  const network = new Network(pskClient(), pskServer({ random, resume: () => undefined }), FAIR, seeded(1));
  network.handshake();
  const { established, connection } = network.server;
  const [serverRandom] = randoms;
  assert.ok(established?.session !== undefined && connection !== undefined && serverRandom !== undefined);
  const { suite, session } = established;
  const keys = trafficKeys(suite, session.master, connection.clientRandom, serverRandom);
  const sealer = new Sealer(suite, keys.client, 1, new Uint8Array(0));
  while (sealer.sequence < 100) sealer.write(CONTENT.applicationData, new Uint8Array(1));
  return { network, sealer };
}

test("RFC 5746: a renegotiation is refused with a warning, and the session goes on", () => {
  const { network, sealer } = forgedClient();
  const hello = encodeMessage({ type: HANDSHAKE_TYPES.client_hello, sequence: 0, body: new Uint8Array(50) });
  const { length } = network.server.sent;
  network.deliver("server", sealer.write(CONTENT.handshake, hello));
  assert.equal(network.server.sent.length, length + 1);
  assert.equal(network.server.sent.at(-1)?.[0], CONTENT.alert);
  network.deliver("server", sealer.write(CONTENT.applicationData, Buffer.from("still there")));
  assert.deepEqual(network.server.data, ["still there"]);
});

test("many requests for a renegotiation in one record get one warning, and a key that was used too often none but the last", (t) => {
  const { network, sealer } = forgedClient();
  const request = encodeMessage({ type: HANDSHAKE_TYPES.hello_request, sequence: 0, body: new Uint8Array(0) });
  const record = Buffer.concat(Array.from({ length: 1000 }, () => request));
  const { length } = network.server.sent;
  network.deliver("server", sealer.write(CONTENT.handshake, record));
  assert.equal(network.server.sent.length, length + 1);
  t.mock.getter(Sealer.prototype, "exhausted", () => true);
  network.deliver("server", sealer.write(CONTENT.handshake, record));
  assert.deepEqual(network.server.closed, { kind: "exhausted" });
});

test("so many forged records that the key is no good any more end the session, and the peer is told", (t) => {
  const { network, sealer } = forgedClient();
  const forged = Uint8Array.from(sealer.write(CONTENT.applicationData, Buffer.from("x")));
  forged[30] = (forged[30] ?? 0) ^ 1;
  network.deliver("server", forged);
  assert.equal(network.server.closed, undefined);
  t.mock.getter(Opener.prototype, "exhausted", () => true);
  const { length } = network.server.sent;
  network.deliver("server", forged);
  assert.deepEqual(network.server.closed, { kind: "exhausted" });
  assert.equal(network.server.sent.length, length + 1);
});

test("a fatal alert of the peer itself ends the session, a warning does not", () => {
  const { network, sealer } = forgedClient();
  network.deliver("server", sealer.write(CONTENT.alert, encodeAlert(90, "warning")));
  network.deliver("server", sealer.write(CONTENT.alert, Uint8Array.of(9, 9, 9)));
  assert.equal(network.server.outcomes.at(-1), "malformed");
  assert.equal(network.server.closed, undefined);
  network.deliver("server", sealer.write(CONTENT.alert, encodeAlert(20, "fatal")));
  assert.deepEqual(network.server.closed, { kind: "alert", code: 20 });
});

test("RFC 9146 6: only what is authentic and newer than all before may move the address", () => {
  const { network, sealer } = forgedClient();
  const [first, second, third] = [1, 2, 3].map(() => sealer.write(CONTENT.applicationData, Buffer.from("x")));
  const came = (datagram: Uint8Array | undefined): readonly boolean[] => {
    const [record] = parseDatagram(datagram ?? new Uint8Array(0), 0).records;
    assert.ok(record !== undefined && network.server.connection !== undefined);
    const { authentic, newest } = network.server.connection.receive(record, network.now);
    return [authentic, newest];
  };
  assert.deepEqual(came(second), [true, true]);
  assert.deepEqual(came(first), [true, false]);
  assert.deepEqual(came(second), [false, false]);
  const damaged = Uint8Array.from(third ?? []);
  damaged[30] = (damaged[30] ?? 0) ^ 1;
  assert.deepEqual(came(damaged), [false, false]);
  assert.deepEqual(came(third), [true, true]);
});

test("a change_cipher_spec, a handshake message that is none, and an unknown type in the session", () => {
  const { network, sealer } = forgedClient();
  for (const [type, outcome] of [
    [CONTENT.changeCipherSpec, "ignored"],
    [CONTENT.handshake, "malformed"],
    [77, "ignored"],
  ] as const) {
    network.deliver("server", sealer.write(type, Uint8Array.of(1)));
    assert.equal(network.server.outcomes.at(-1), outcome);
  }
  assert.equal(network.server.closed, undefined);
});
