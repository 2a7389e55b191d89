import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTENT, PlaintextWriter } from "../../../../../src/protocols/dtls/record/index.js";
import { KEY, Network, type Node, PSK_SERVER, peerAt, pskClient } from "./network.js";

function records(node: Node): Record<string, number> {
  return Object.fromEntries(Object.entries(node.endpoint.counters.records).filter(([, count]) => count > 0));
}

/** A server and a device that are connected. */
function connected(network: Network, more = {}) {
  const server = network.add("10.0.0.1", { ...PSK_SERVER, ...more });
  const device = network.add("10.0.0.2", pskClient());
  const peer = device.connect(server);
  network.settle();
  return { server, device, peer, session: server.last };
}

test("a handshake, data both ways, and the end", () => {
  const network = new Network();
  const { server, device, peer, session } = connected(network);
  assert.deepEqual(session.identity, { kind: "psk", identity: "device-1" });
  assert.equal(session.id, "dtls:1");
  assert.deepEqual([session.address, session.port], ["10.0.0.2", 5684]);
  assert.equal(device.send(peer, "21.5"), true);
  network.settle();
  assert.deepEqual(server.data, [{ text: "21.5", peer: session }]);
  assert.equal(server.send(session, "thanks"), true);
  network.settle();
  assert.deepEqual(device.texts, ["thanks"]);
  assert.equal(device.connect(server), peer);
  device.run(device.endpoint.close());
  network.settle();
  assert.deepEqual(
    server.ended.map(({ peer, opened, reason }) => [peer, opened, reason]),
    [[session, true, "peer_closed"]],
  );
  assert.equal(server.send(session, "too late"), false);
  assert.equal(server.endpoint.find(session.id), undefined);
  assert.deepEqual(server.endpoint.sizes, { shaking: 0, open: 0, resumable: 1 });
  assert.equal(server.endpoint.deadline, undefined);
});

test("nothing is remembered of an address that did not return its cookie, and nothing is amplified", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  const [first] = helloOf(network, network.add("10.0.0.9", PSK_SERVER));
  for (let port = 1; port <= 2_000; port++) {
    const effects = server.endpoint.receive(first, peerAt("10.9.9.9", port), network.time);
    const sent = effects.flatMap((effect) => (effect.kind === "send" ? [effect.datagram.length] : []));
    assert.ok(sent.length === 1 && (sent[0] ?? 0) <= first.length);
  }
  assert.deepEqual(server.endpoint.sizes, { shaking: 0, open: 0, resumable: 0 });
  assert.deepEqual(records(server), { cookie_sent: 2_000 });
});

/** The first hello of a device, and the one with the cookie. */
function helloOf(network: Network, server: Node, at = "10.0.0.7") {
  const device = network.add(at, pskClient("device-7"));
  const before = network.seen.length;
  network.loses = ({ bytes }) => bytes[13] === 2;
  device.connect(server);
  network.settle();
  network.loses = () => false;
  network.remove(device);
  const sent = network.seen.slice(before).filter(({ from }) => from.address === at);
  const [first, second] = sent.map(({ bytes }) => bytes);
  assert.ok(first);
  return [first, second ?? first] as const;
}

test("a cookie of another address is no cookie", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  const [, second] = helloOf(network, server);
  const before = { ...server.endpoint.counters.records };
  server.endpoint.receive(second, peerAt("10.0.0.8"), network.time);
  server.endpoint.receive(second, peerAt("10.0.0.7", 5685), network.time);
  assert.equal(server.endpoint.counters.records.cookie_sent, before.cookie_sent + 2);
  assert.equal(server.endpoint.sizes.shaking, 1);
});

test("half-open handshakes are bounded: with all, the oldest goes", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", { ...PSK_SERVER, limits: { halfOpen: 10 } });
  for (let host = 10; host < 40; host++) helloOf(network, server, `10.0.0.${host}`);
  assert.equal(server.endpoint.sizes.shaking, 10);
  assert.deepEqual(
    server.ended.map(({ peer, reason }) => `${peer.address} ${reason}`),
    Array.from({ length: 20 }, (_, index) => `10.0.0.${index + 10} evicted`),
  );
  assert.equal(server.endpoint.counters.failed.evicted, 20);
});

test("half-open handshakes are bounded: those of one address do not push out others", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", { ...PSK_SERVER, limits: { halfOpenPerAddress: 3 } });
  network.loses = ({ bytes }) => bytes[13] === 2;
  const clients = Array.from({ length: 5 }, (_, index) => network.add(peerAt("10.0.0.2", 5000 + index), pskClient()));
  for (const client of clients) client.connect(server);
  network.settle();
  assert.equal(server.endpoint.sizes.shaking, 3);
  assert.equal(server.endpoint.counters.records.hello_refused, 2);
  const other = network.add("10.0.0.3", pskClient());
  network.loses = () => false;
  other.connect(server);
  network.settle();
  assert.equal(server.endpoint.sizes.open, 1);
  // What was refused comes again, and the others have made room.
  network.pass(300_000);
  assert.equal(clients.filter(({ opened }) => opened.length === 1).length, 5);
  assert.equal(server.endpoint.sizes.shaking, 0);
});

test("half-open handshakes are bounded: a network of IPv6 is one party, whatever addresses it takes", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", { ...PSK_SERVER, limits: { halfOpenPerAddress: 3 } });
  for (let host = 1; host <= 9; host++) helloOf(network, server, `2001:db8:1:2::${host}`);
  assert.equal(server.endpoint.sizes.shaking, 3);
  for (const other of ["2001:db8:1:3::1", "2001:db8::1", "::ffff:10.0.0.7", "::ffff:10.0.0.8", "::1", "fe80::1%eth0"]) {
    helloOf(network, server, other);
  }
  assert.equal(server.endpoint.sizes.shaking, 9);
  network.pass(300_000);
  assert.equal(server.endpoint.sizes.shaking, 0);
  helloOf(network, server, "2001:db8:1:2:ffff:ffff:ffff:ffff");
  assert.equal(server.endpoint.sizes.shaking, 1);
});

test("a handshake that nobody goes on with is given up", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  helloOf(network, server);
  network.pass(250_000);
  assert.deepEqual(
    server.ended.map(({ reason, opened }) => [reason, opened]),
    [["timeout", false]],
  );
  assert.deepEqual(server.endpoint.sizes, { shaking: 0, open: 0, resumable: 0 });
});

test("open sessions are bounded: the one goes that was silent for longest, and is told", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", { ...PSK_SERVER, limits: { open: 3 } });
  const devices = [1, 2, 3, 4].map((n) => network.add(`10.0.1.${n}`, pskClient(`device-${n}`)));
  const peers = devices.slice(0, 3).map((device) => {
    const peer = device.connect(server);
    network.pass(2_000);
    return peer;
  });
  const [first, second] = devices;
  assert.ok(first && second && peers[0]);
  first.send(peers[0], "still here");
  network.settle();
  devices[3]?.connect(server);
  network.settle();
  assert.equal(server.endpoint.sizes.open, 3);
  assert.deepEqual(
    server.ended.map(({ peer, reason }) => [peer.address, reason]),
    [["10.0.1.2", "evicted"]],
  );
  assert.deepEqual(
    second.ended.map(({ reason }) => reason),
    ["peer_closed"],
  );
});

test("open sessions are bounded: one identity pushes out its own only", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", { ...PSK_SERVER, limits: { open: 10, openPerIdentity: 2 } });
  const honest = network.add("10.0.0.2", pskClient("device-honest"));
  honest.connect(server);
  network.settle();
  for (let n = 0; n < 20; n++) {
    network.add(peerAt("10.0.0.3", 6000 + n), pskClient("device-greedy")).connect(server);
    network.settle();
  }
  assert.equal(server.endpoint.sizes.open, 3);
  assert.deepEqual(new Set(server.ended.map(({ peer }) => peer.address)), new Set(["10.0.0.3"]));
  assert.equal(honest.ended.length, 0);
});

test("a session that is silent for long is closed, and told", () => {
  const network = new Network();
  const { server, device, peer, session } = connected(network, { idle: 3_600_000 });
  network.pass(3_000_000);
  device.send(peer, "still here");
  network.pass(3_599_000);
  assert.equal(server.ended.length, 0);
  network.pass(1_001);
  assert.deepEqual(
    server.ended.map(({ peer, reason }) => [peer, reason]),
    [[session, "idle"]],
  );
  assert.deepEqual(
    device.ended.map(({ reason }) => reason),
    ["peer_closed"],
  );
});

test("a device that begins anew replaces its session, but only once the handshake is completed", () => {
  const network = new Network();
  const { server, device, peer, session } = connected(network);
  network.remove(device);
  const again = network.add(device.at, pskClient());
  // The client key exchange is lost: the old session goes on.
  network.loses = ({ from, bytes }) => from.id === device.at.id && bytes[13] === 16;
  again.connect(server);
  network.settle();
  assert.deepEqual(server.endpoint.sizes, { shaking: 1, open: 1, resumable: 1 });
  device.send(peer, "of the old session");
  network.settle();
  assert.deepEqual(server.data, [{ text: "of the old session", peer: session }]);
  assert.equal(server.send(session, "to the old session"), true);
  network.loses = () => false;
  network.pass(3_000);
  assert.deepEqual(
    server.ended.map(({ peer, reason }) => [peer, reason]),
    [[session, "replaced"]],
  );
  assert.notEqual(server.last, session);
  assert.equal(server.endpoint.sizes.open, 1);
  // The device is not told: to its new session that would be noise.
  assert.equal(again.ended.length, 0);
  again.send(again.last, "of the new one");
  network.settle();
  assert.deepEqual(server.data.at(-1), { text: "of the new one", peer: server.last });
});

test("the same without connection ids: both sessions are told apart by their keys", () => {
  const network = new Network();
  const { server, device, peer, session } = connected(network, { cidLength: 0 });
  network.remove(device);
  const again = network.add(device.at, pskClient());
  network.loses = ({ from, bytes }) => from.id === device.at.id && bytes[13] === 16;
  again.connect(server);
  network.settle();
  for (const text of ["one", "two"]) device.send(peer, text);
  network.settle();
  assert.deepEqual(server.texts, ["one", "two"]);
  network.loses = () => false;
  network.pass(3_000);
  assert.equal(server.endpoint.find(session.id), undefined);
  again.send(again.last, "three");
  network.settle();
  assert.deepEqual(server.data.at(-1), { text: "three", peer: server.last });
});

test("RFC 9146 6: a session with a connection id goes on from another address", () => {
  const network = new Network();
  const { server, device, peer, session } = connected(network);
  device.at = peerAt("10.0.0.2", 40_000);
  device.send(peer, "from another port");
  network.settle();
  assert.deepEqual(server.data, [{ text: "from another port", peer: session }]);
  assert.equal(session.port, 40_000);
  assert.equal(server.endpoint.counters.moved, 1);
  server.send(session, "I see");
  network.settle();
  assert.deepEqual(device.texts, ["I see"]);
  // The address of before is free for another device, and both go on.
  const other = network.add("10.0.0.2", pskClient("device-2"));
  other.connect(server);
  network.settle();
  device.send(peer, "and again");
  other.send(other.last, "hello");
  network.settle();
  assert.deepEqual(server.texts, ["from another port", "and again", "hello"]);
  assert.equal(server.endpoint.sizes.open, 2);
});

test("RFC 9146 6: neither old nor forged records move an address", () => {
  const network = new Network();
  const { server, device, peer, session } = connected(network);
  device.send(peer, "one");
  const [one] = network.seen.slice(-1);
  device.send(peer, "two");
  assert.ok(one);
  network.settle();
  const elsewhere = peerAt("10.6.6.6");
  server.run(server.endpoint.receive(one.bytes, elsewhere, network.time));
  const forged = Buffer.from(one.bytes);
  forged.writeUIntBE(1_000, 5, 6);
  server.run(server.endpoint.receive(forged, elsewhere, network.time));
  assert.deepEqual(server.texts, ["one", "two"]);
  assert.equal(session.address, "10.0.0.2");
  const { replayed, forged: refused } = server.endpoint.counters.records;
  assert.deepEqual([replayed, refused], [1, 1]);
  // A late one that is authentic is heard, but what is late does not say where its peer is now.
  network.loses = () => true;
  device.send(peer, "three");
  const [three] = network.seen.slice(-1);
  network.loses = () => false;
  device.send(peer, "four");
  network.settle();
  assert.ok(three);
  server.run(server.endpoint.receive(three.bytes, elsewhere, network.time));
  assert.deepEqual(server.texts, ["one", "two", "four", "three"]);
  assert.equal(session.address, "10.0.0.2");
  assert.equal(server.endpoint.counters.moved, 0);
});

test("without a connection id another address is another peer", () => {
  const network = new Network();
  const { server, device, peer } = connected(network, { cidLength: 0 });
  device.at = peerAt("10.0.0.2", 40_000);
  device.send(peer, "from another port");
  network.settle();
  assert.deepEqual(server.data, []);
  assert.equal(server.endpoint.counters.records.unknown_address, 1);
});

test("behind a NAT an address goes from one device to another: a session with an id and another identity stays", () => {
  const network = new Network();
  const { server, device, peer, session } = connected(network);
  const other = network.add(peerAt("10.0.0.2"), pskClient("device-2"));
  network.remove(device);
  other.connect(server);
  network.settle();
  assert.equal(server.endpoint.sizes.open, 2);
  device.at = peerAt("10.0.0.2", 40_001);
  device.send(peer, "elsewhere now");
  network.settle();
  assert.deepEqual(server.data, [{ text: "elsewhere now", peer: session }]);
});

test("resumption keeps the identity; a key that was changed or taken away ends it", () => {
  const network = new Network();
  const keys = new Map<string, Uint8Array>([["device-1", KEY]]);
  const server = network.add("10.0.0.1", { server: { psk: { lookup: (identity) => keys.get(identity) } } });
  let key: Uint8Array = KEY;
  const device = network.add("10.0.0.2", { client: () => ({ psk: { identity: "device-1", key } }) });
  const shake = (): void => {
    const peer = device.connect(server);
    network.pass(1_000);
    device.run(device.endpoint.disconnect(peer));
    network.settle();
  };
  const { counters } = server.endpoint;
  shake();
  shake();
  assert.deepEqual([counters.opened, counters.resumed], [2, 1]);
  assert.deepEqual(server.last.identity, { kind: "psk", identity: "device-1" });
  key = Buffer.alloc(16, 9);
  keys.set("device-1", key);
  shake();
  assert.deepEqual([counters.opened, counters.resumed], [3, 1]);
  shake();
  assert.deepEqual([counters.opened, counters.resumed], [4, 2]);
  keys.delete("device-1");
  shake();
  assert.deepEqual([counters.opened, counters.resumed], [4, 2]);
});

test("a client whose handshake is under way when keys are renewed begins anew", () => {
  const network = new Network();
  const server = network.add("10.0.0.1", PSK_SERVER);
  const device = network.add("10.0.0.2", pskClient());
  // All but its hello is lost.
  network.loses = ({ bytes }) => bytes[13] === 2;
  device.connect(server);
  network.settle();
  network.loses = () => false;
  assert.equal(server.endpoint.sizes.shaking, 1);
  server.run(server.endpoint.renew({ keys: [] }));
  assert.equal(server.endpoint.sizes.shaking, 0);
  network.settle();
  assert.deepEqual([server.endpoint.counters.opened, device.endpoint.sizes.shaking], [0, 0]);
  device.connect(server);
  network.settle();
  assert.equal(server.endpoint.counters.opened, 1);
});

test("with keys and trust that were renewed open sessions go on, and none is resumed", () => {
  const network = new Network();
  const { server, device, peer } = connected(network);
  device.run(device.endpoint.disconnect(peer));
  network.settle();
  const again = device.connect(server);
  network.settle();
  const { counters } = server.endpoint;
  assert.deepEqual([counters.opened, counters.resumed], [2, 1]);
  server.endpoint.renew({ keys: [] });
  assert.equal(server.endpoint.sizes.resumable, 0);
  device.send(again, "21.5");
  network.settle();
  assert.deepEqual(server.texts, ["21.5"]);
  device.run(device.endpoint.disconnect(again));
  network.settle();
  device.connect(server);
  network.settle();
  assert.deepEqual([counters.opened, counters.resumed], [3, 1]);
});

test("both begin at once: one handshake goes on, and both have it", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const network = new Network(seed);
    const both = { ...PSK_SERVER, ...pskClient() };
    const [a, b] = [network.add("10.0.0.1", both), network.add("10.0.0.2", both)];
    a.connect(b);
    b.connect(a);
    network.pass(10_000);
    assert.deepEqual(
      [a, b].map(({ endpoint }) => endpoint.sizes.open),
      [1, 1],
      `seed ${seed}`,
    );
    assert.deepEqual(
      [a, b].map(({ endpoint }) => endpoint.sizes.shaking),
      [0, 0],
    );
    a.send(a.last, "from a");
    b.send(b.last, "from b");
    network.settle();
    assert.deepEqual([a.texts, b.texts], [["from b"], ["from a"]]);
  }
});

test("an identity that there is not fails as a wrong key does", () => {
  const ends = [pskClient("nobody"), pskClient("device-1", Buffer.alloc(16, 9))].map((options) => {
    const network = new Network(3);
    const server = network.add("10.0.0.1", PSK_SERVER);
    const client = network.add("10.0.0.2", options);
    client.connect(server);
    network.pass(300_000);
    assert.equal(server.endpoint.sizes.open, 0);
    const sizes = network.seen.filter(({ from }) => from.id === server.at.id).map(({ bytes }) => bytes.length);
    return {
      client: client.ended.map(({ reason, code }) => [reason, code]),
      counters: server.endpoint.counters,
      sizes,
    };
  });
  assert.deepEqual(ends[0], ends[1]);
});

test("alerts in the clear end no session", () => {
  const network = new Network();
  const { server, device, peer } = connected(network);
  for (const alert of ["0228", "0100", "0250"]) {
    const bytes = new PlaintextWriter(77).write(CONTENT.alert, Buffer.from(alert, "hex"));
    server.run(server.endpoint.receive(bytes, device.at, network.time));
  }
  device.send(peer, "still here");
  network.settle();
  assert.deepEqual(server.texts, ["still here"]);
});

test("who lets nobody in answers nobody", () => {
  const network = new Network();
  const closed = network.add("10.0.0.1", pskClient());
  const device = network.add("10.0.0.2", pskClient());
  device.connect(closed);
  network.settle();
  assert.deepEqual(records(closed), { hello_ignored: 1 });
  assert.equal(network.seen.length, 1);
});

test("who has no credentials for a server, or too much under way, does not begin", () => {
  const network = new Network();
  const [server, other] = [network.add("10.0.0.1", PSK_SERVER), network.add("10.0.0.3", PSK_SERVER)];
  assert.throws(() => server.connect(other), { name: "DtlsError", code: "OPTIONS" });
  const device = network.add("10.0.0.2", { ...pskClient(), limits: { halfOpen: 1 } });
  device.connect(server);
  assert.throws(() => device.connect(other), { name: "DtlsError", code: "FULL" });
});

test("every record of noise has one outcome, and nothing is kept", () => {
  const network = new Network(5);
  const { server, device, peer } = connected(network);
  const { random } = network;
  const genuine = network.seen.map(({ bytes }) => bytes);
  const before = sum(server);
  let expected = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(random.pick([genuine[0] ?? KEY, ...genuine]));
    for (let flips = random.between(0, 3); flips > 0; flips--) {
      bytes.writeUInt8(random.between(0, 255), random.between(0, bytes.length - 1));
    }
    const from = random.chance(0.5) ? device.at : peerAt(`10.3.0.${random.between(1, 250)}`, random.between(1, 60_000));
    const cut = random.chance(0.2) ? bytes.subarray(0, random.between(0, bytes.length)) : bytes;
    expected += countRecords(cut);
    server.run(server.endpoint.receive(cut, from, network.time));
    network.now += 1;
  }
  network.settle();
  assert.equal(sum(server) - before, expected);
  assert.ok(server.endpoint.sizes.shaking <= 2);
  device.send(peer, "still here");
  network.settle();
  assert.equal(server.texts.at(-1), "still here");
});

function sum({ endpoint }: Node): number {
  return Object.values(endpoint.counters.records).reduce((total, count) => total + count, 0);
}

function countRecords(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at + 13 <= bytes.length; count++) {
    const [version, epoch] = [bytes.readUInt16BE(at + 1), bytes.readUInt16BE(at + 3)];
    if (version !== 0xfefd && (version !== 0xfeff || epoch !== 0)) break;
    const start = at + (bytes[at] === 25 ? 21 : 13);
    if (start > bytes.length) break;
    const length = bytes.readUInt16BE(start - 2);
    if (length > 18_432 || start + length > bytes.length) break;
    at = start + length;
  }
  return count;
}
