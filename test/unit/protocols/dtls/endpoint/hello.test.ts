import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTENT, PlaintextWriter } from "../../../../../src/protocols/dtls/record/index.js";
import { type Flying, Network, type Node, PSK_SERVER, peerAt, pskClient } from "./network.js";

const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
/** Where the length of the cookie is: behind the headers of record and message, version, random, and an empty session id. */
const COOKIE_AT = 13 + 12 + 34 + 1;

function hasCookie({ bytes }: Flying): boolean {
  return bytes[13] === CLIENT_HELLO && (bytes[COOKIE_AT] ?? 0) > 0;
}

function receive(node: Node, bytes: Uint8Array, network: Network, at = "10.0.0.2"): Uint8Array[] {
  const effects = node.endpoint.receive(bytes, peerAt(at), network.time);
  return effects.flatMap((effect) => (effect.kind === "send" ? [effect.datagram] : []));
}

test("RFC 6347 4.2.2: a client whose cookie came back too late gets another one, and gets through", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  const device = network.add("10.0.0.2", pskClient());
  // The secret of the server has changed twice before a hello with a cookie arrives.
  network.loses = (flying) => hasCookie(flying) && network.now < 125_000;
  device.connect(server);
  network.pass(243_000);
  assert.equal(server.endpoint.counters.records.cookie_sent, 2);
  assert.deepEqual([server.endpoint.sizes.open, device.endpoint.sizes.open], [1, 1]);
});

test("a hello that comes again after its cookie has become too old gets its answer again, and no other cookie", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  const device = network.add("10.0.0.2", pskClient());
  network.loses = ({ bytes }) => bytes[13] === SERVER_HELLO && network.now < 125_000;
  device.connect(server);
  network.pass(243_000);
  const { records, failed } = server.endpoint.counters;
  assert.deepEqual([records.cookie_sent, records.hello_accepted], [1, 1]);
  assert.ok(Object.values(failed).every((count) => count === 0));
  assert.deepEqual([server.endpoint.sizes.open, device.endpoint.sizes.open], [1, 1]);
});

test("many hellos in one datagram get one answer: with a cookie of their own or without", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  const hellos = [1, 2, 3].map((n) => {
    const client = network.add("10.0.0.2", pskClient(`device-${n}`));
    network.loses = hasCookie;
    client.connect(server);
    network.settle();
    network.remove(client);
    const sent = network.seen.filter(({ to }) => to.id === server.at.id);
    return { first: sent.find(({ bytes }) => (bytes[COOKIE_AT] ?? 0) === 0)?.bytes, second: sent.at(-1)?.bytes };
  });
  const join = (parts: readonly (Uint8Array | undefined)[]): Uint8Array =>
    Buffer.concat(parts.filter((part) => part !== undefined));
  assert.equal(receive(server, join(hellos.map(({ first }) => first)), network).length, 1);
  assert.equal(receive(server, join(hellos.map(({ second }) => second)), network).length, 1);
  const { hello_accepted, hello_refused } = server.endpoint.counters.records;
  assert.deepEqual([hello_accepted, hello_refused], [1, 4]);
});

test("a device whose random numbers begin anew with each start is let in again", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  const start = (): Node => {
    const device = network.add("10.0.0.2", { ...pskClient(), random: (length) => Buffer.alloc(length, 7) });
    device.connect(server);
    network.pass(1_000);
    return device;
  };
  network.remove(start());
  // It was off for longer than datagrams live.
  network.pass(300_000);
  const device = start();
  assert.equal(device.opened.length, 1);
  assert.equal(server.endpoint.counters.ended.replaced, 1);
});

test("a hello that comes again when its session is open begins nothing", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  network.add("10.0.0.2", pskClient()).connect(server);
  network.settle();
  const hello = network.seen.find(hasCookie);
  assert.ok(hello);
  network.pass(100_000);
  assert.deepEqual(receive(server, hello.bytes, network), []);
  assert.deepEqual([server.endpoint.sizes.shaking, server.endpoint.counters.records.ignored], [0, 1]);
});

test("a hello that is longer than any in one datagram is not taken", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  // As many suites as one record can carry.
  const suites = 9_000;
  const body = Buffer.concat([Buffer.alloc(36), Buffer.from([(2 * suites) >> 8, (2 * suites) & 255])]);
  const long = Buffer.concat([body, Buffer.alloc(2 * suites), Buffer.from([1, 0])]);
  const head = Buffer.alloc(12);
  head[0] = CLIENT_HELLO;
  head.writeUIntBE(long.length, 1, 3);
  head.writeUIntBE(long.length, 9, 3);
  const header = Buffer.from(new PlaintextWriter().write(CONTENT.handshake, new Uint8Array(0)));
  header.writeUInt16BE(head.length + long.length, 11);
  assert.deepEqual(receive(server, Buffer.concat([header, head, long]), network), []);
  assert.equal(server.endpoint.counters.records.malformed, 1);
});
