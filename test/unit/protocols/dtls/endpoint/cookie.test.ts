import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { CookieJar } from "../../../../../src/protocols/dtls/endpoint/cookie.js";
import { cookieDatagram, isClientHello, readHello } from "../../../../../src/protocols/dtls/endpoint/hello.js";
import {
  type ClientHello,
  encodeClientHello,
} from "../../../../../src/protocols/dtls/handshake/messages/client-hello.js";
import { encodeFragment, encodeMessage } from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import {
  CONTENT,
  parseDatagram,
  PlaintextWriter,
  type WireRecord,
} from "../../../../../src/protocols/dtls/record/index.js";

const HELLO: ClientHello = {
  version: 0xfefd,
  random: Buffer.alloc(32, 5),
  sessionId: new Uint8Array(0),
  cookie: new Uint8Array(0),
  suites: [0xc0a8],
  extensions: {},
};
const body = (changes: Partial<ClientHello> = {}): Uint8Array => encodeClientHello({ ...HELLO, ...changes });
const jarAt = (now: number): CookieJar => new CookieJar(randomBytes, now);
const MINUTE = 60_000;

function recordOf(fragment: Uint8Array, sequence = 0): WireRecord {
  const [record] = parseDatagram(new PlaintextWriter(sequence).write(CONTENT.handshake, fragment), 8).records;
  assert.ok(record);
  return record;
}

test("a cookie is good for its address and what the hello repeats, with the cookie in it", () => {
  const jar = jarAt(0);
  const cookie = jar.bake("192.0.2.1:5684", body(), 0);
  const isOurs = (address: string, changes: Partial<ClientHello> = {}): boolean =>
    jar.isOurs(cookie, address, body({ cookie, ...changes }), 1);
  assert.equal(isOurs("192.0.2.1:5684"), true);
  // Extensions may change.
  assert.equal(isOurs("192.0.2.1:5684", { extensions: { extendedMasterSecret: true } }), true);
  assert.equal(isOurs("192.0.2.1:5685"), false);
  assert.equal(isOurs("192.0.2.2:5684"), false);
  assert.equal(isOurs("192.0.2.1:5684", { random: Buffer.alloc(32, 6) }), false);
  assert.equal(isOurs("192.0.2.1:5684", { version: 0xfeff }), false);
  assert.equal(isOurs("192.0.2.1:5684", { sessionId: Uint8Array.of(1) }), false);
  assert.equal(isOurs("192.0.2.1:5684", { suites: [0xc0a8, 0xc0a4] }), false);
  for (let bit = 0; bit < 128; bit++) {
    const forged = Buffer.from(cookie);
    forged.writeUInt8((forged[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(jar.isOurs(forged, "192.0.2.1:5684", body({ cookie: forged }), 1), false, `bit ${bit}`);
  }
  assert.equal(jar.isOurs(new Uint8Array(0), "192.0.2.1:5684", body(), 1), false);
  assert.equal(jarAt(0).isOurs(cookie, "192.0.2.1:5684", body({ cookie }), 1), false);
});

test("a cookie lasts for one to two rotations", () => {
  const jar = jarAt(0);
  const early = jar.bake("a", body(), 0);
  const late = jar.bake("a", body(), MINUTE - 1);
  assert.deepEqual(early, late);
  const isOurs = (cookie: Uint8Array, now: number): boolean => jar.isOurs(cookie, "a", body({ cookie }), now);
  assert.equal(isOurs(late, MINUTE), true);
  const next = jar.bake("a", body(), MINUTE);
  assert.notDeepEqual(next, late);
  assert.equal(isOurs(late, 2 * MINUTE - 1), true);
  assert.equal(isOurs(late, 2 * MINUTE), false);
  assert.equal(isOurs(next, 2 * MINUTE), true);
  // After a pause of two rotations the one before is too old as well.
  const newest = jar.bake("a", body(), 2 * MINUTE);
  assert.equal(isOurs(newest, 4 * MINUTE), false);
});

test("the answer is shorter than the shortest hello", () => {
  const hello = new PlaintextWriter().write(CONTENT.handshake, encodeMessage({ type: 1, sequence: 0, body: body() }));
  assert.ok(cookieDatagram(0, 0, jarAt(0).bake("a", body(), 0)).length < hello.length);
});

test("a first hello comes in one piece, alone in its record", () => {
  const message = encodeMessage({ type: 1, sequence: 3, body: body() });
  const read = readHello(recordOf(message));
  assert.ok(typeof read !== "string");
  assert.equal(read.messageSequence, 3);
  assert.deepEqual(Buffer.from(read.body), Buffer.from(body()));
  const { length } = body();
  const half = { type: 1, sequence: 0, length, offset: 0, bytes: body().subarray(0, 20) };
  assert.equal(readHello(recordOf(encodeFragment(half))), "hello_fragmented");
  const rest = { ...half, offset: 20, bytes: body().subarray(20) };
  assert.equal(readHello(recordOf(encodeFragment(rest))), "hello_fragmented");
  assert.equal(readHello(recordOf(Buffer.concat([message, message]))), "malformed");
  assert.equal(readHello(recordOf(message.subarray(0, -1))), "malformed");
  assert.equal(readHello(recordOf(encodeMessage({ type: 1, sequence: 0, body: body().subarray(0, 35) }))), "malformed");
  assert.equal(readHello(recordOf(message, 2 ** 48 - 5)), "malformed");
  assert.equal(isClientHello(recordOf(message)), true);
  assert.equal(isClientHello(recordOf(encodeMessage({ type: 2, sequence: 0, body: body() }))), false);
});
