import assert from "node:assert/strict";
import { test } from "node:test";
import { Flight, flightDatagrams } from "../../../../../src/protocols/dtls/handshake/flight.js";
import {
  HANDSHAKE_TYPES,
  type HandshakeMessage,
  parseFragments,
} from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import { Reassembly } from "../../../../../src/protocols/dtls/handshake/reassembly.js";
import { DEFAULT_TIMING } from "../../../../../src/protocols/dtls/options.js";
import { CONTENT, PlaintextWriter, parseDatagram } from "../../../../../src/protocols/dtls/record/index.js";

function message(sequence: number, length: number, type: number = HANDSHAKE_TYPES.certificate): HandshakeMessage {
  return { type, sequence, body: Uint8Array.from({ length }, (_, index) => index & 0xff) };
}

test("RFC 6347 4.2.4.1: after a second, doubled up to a minute, and given up", () => {
  const flight = new Flight([], -1, false, DEFAULT_TIMING, 0);
  const sent = [0];
  let due = flight.due;
  while (flight.retransmit(due)) {
    sent.push(due);
    due = flight.due;
  }
  assert.deepEqual(
    sent,
    [0, 1, 3, 7, 15, 31, 63, 123, 183].map((seconds) => seconds * 1000),
  );
  assert.equal(due, 243_000);
});

test("a peer that asks gets it at once, but not what has only just been sent", () => {
  const flight = new Flight([], -1, false, DEFAULT_TIMING, 0);
  assert.equal(flight.asked(499), false);
  assert.equal(flight.due, 1000);
  assert.equal(flight.asked(500), true);
  assert.equal(flight.due, 1500);
  assert.equal(flight.asked(600), false);
});

test("the last flight is kept for two lifetimes of a segment", () => {
  const flight = new Flight([], 5, true, DEFAULT_TIMING, 0);
  assert.equal(flight.due, 240_000);
  assert.equal(flight.asked(1000), true);
  assert.equal(flight.due, 240_000);
});

test("RFC 6347 4.1.1.1: datagrams get smaller when two retransmissions brought nothing", () => {
  const flight = new Flight([], -1, false, DEFAULT_TIMING, 0);
  const sizes = [flight.datagramSize(1200)];
  for (let count = 0; count < 5; count++) {
    flight.retransmit(0);
    sizes.push(flight.datagramSize(1200));
  }
  assert.deepEqual(sizes, [1200, 1200, 548, 548, 256, 256]);
  assert.equal(flight.datagramSize(200), 200);
});

test("a flight in datagrams of any size is the flight", () => {
  const parts = [message(0, 80), message(1, 5000), message(2, 0), message(3, 300)];
  for (const size of [90, 150, 256, 1200, 1500]) {
    const datagrams = flightDatagrams(parts, new PlaintextWriter(), undefined, size, 16_384);
    const reassembly = new Reassembly(0, 16_384);
    const numbers: number[] = [];
    for (const datagram of datagrams) {
      assert.ok(datagram.length <= size, `${datagram.length} in ${size}`);
      for (const record of parseDatagram(datagram, 0).records) {
        numbers.push(record.sequence);
        for (const fragment of parseFragments(record.fragment)) reassembly.add(fragment);
      }
    }
    const taken = parts.map(() => reassembly.take());
    assert.deepEqual(taken, parts);
    const inOrder = numbers.map((_, index) => index);
    assert.deepEqual(numbers, inOrder);
    // 13 + 12 bytes go with each fragment.
    assert.ok(datagrams.length <= Math.ceil(5380 / (size - 25)) + 2, `${datagrams.length} of ${size}`);
  }
});

test("a message that fits into a datagram of its own is not cut", () => {
  const datagrams = flightDatagrams([message(0, 200), message(1, 200)], new PlaintextWriter(), undefined, 300, 16_384);
  const lengths = datagrams.map(({ length }) => length);
  assert.deepEqual(lengths, [225, 225]);
});

test("a ClientHello is never cut: its cookie could not be checked", () => {
  const hello = message(0, 500, HANDSHAKE_TYPES.client_hello);
  assert.equal(flightDatagrams([hello], new PlaintextWriter(), undefined, 100, 16_384).length, 1);
});

test("RFC 6066 4: no record is longer than the peer takes", () => {
  const [datagram] = flightDatagrams([message(0, 1010)], new PlaintextWriter(), undefined, 1400, 512);
  const { records } = parseDatagram(datagram ?? new Uint8Array(0), 0);
  const lengths = records.map(({ fragment }) => fragment.length);
  assert.deepEqual(lengths, [512, 512, 22]);
});

test("what comes behind change_cipher_spec is written with the keys", () => {
  const sealed = new PlaintextWriter(100);
  const parts = [message(0, 10), "change_cipher_spec" as const, message(1, 12)];
  const [datagram] = flightDatagrams(parts, new PlaintextWriter(7), sealed, 1200, 16_384);
  const { records } = parseDatagram(datagram ?? new Uint8Array(0), 0);
  const found = records.map(({ type, sequence }) => [type, sequence]);
  assert.deepEqual(found, [
    [CONTENT.handshake, 7],
    [CONTENT.changeCipherSpec, 8],
    [CONTENT.handshake, 100],
  ]);
});
