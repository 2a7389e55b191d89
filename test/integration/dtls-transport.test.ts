import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { openUdp } from "../../src/protocols/datagram/index.js";
import {
  DEFAULT_TIMING,
  type DtlsOptions,
  type HandshakeFailure,
  openDtls,
  SUITES,
  trustIn,
} from "../../src/protocols/dtls/index.js";
import { IDENTITY, key, PSK, startDtls } from "../support/dtls.js";
import { eventually } from "../support/eventually.js";
import { startNat } from "../support/nat.js";
import { freeUdpPort } from "../support/ports.js";

const CLIENT: DtlsOptions = { client: () => ({ psk: { identity: IDENTITY, key: key() } }) };
const upper = (bytes: Buffer): Buffer => Buffer.from(bytes.toString().toUpperCase());
const at = (port: number) => ({ address: "127.0.0.1", port });

for (const { name, id } of SUITES.filter(({ keyExchange }) => keyExchange !== "ecdhe_ecdsa")) {
  test(`server and client with ${name}`, async (t) => {
    const suites = SUITES.filter((suite) => suite.id === id);
    const server = await startDtls(t, { ...PSK, suites }, upper);
    const client = await startDtls(t, { ...CLIENT, suites });
    const peer = await client.transport.connect(at(server.port));
    client.transport.send(Buffer.from("how much?"), peer);
    await eventually(() => client.text === "HOW MUCH?", "it answered");
    assert.deepEqual(server.heard[0]?.peer.identity, { kind: "psk", identity: IDENTITY });
    // Each has proved to the other that it has the key.
    assert.deepEqual(peer.identity, { kind: "psk", identity: IDENTITY });
  });
}

test("one session for all who connect, and another after it is over", async (t) => {
  const server = await startDtls(t, PSK);
  const client = await startDtls(t, CLIENT);
  const { transport } = client;
  const [first, second] = await Promise.all([transport.connect(at(server.port)), transport.connect(at(server.port))]);
  assert.equal(first, second);
  assert.equal(await transport.connect(at(server.port)), first);
  transport.disconnect(first);
  assert.deepEqual(client.gone, [{ peer: first, reason: "closed" }]);
  await eventually(() => server.gone.length === 1, "the server heard of it");
  const third = await transport.connect(at(server.port));
  assert.notEqual(third.id, first.id);
  await eventually(() => server.transport.counters.resumed === 1, "it was resumed");
  const { unsent } = transport;
  transport.send(Buffer.from("to nobody"), first);
  transport.send(Buffer.alloc(20_000), third);
  assert.equal(transport.unsent, unsent + 2);
});

test("both connect to each other at once: both have the one session", async (t) => {
  const [a, b] = [await startDtls(t, { ...PSK, ...CLIENT }), await startDtls(t, { ...PSK, ...CLIENT })];
  const [toB, toA] = await Promise.all([a.transport.connect(at(b.port)), b.transport.connect(at(a.port))]);
  a.transport.send(Buffer.from("from a"), toB);
  b.transport.send(Buffer.from("from b"), toA);
  await eventually(() => a.text === "from b" && b.text === "from a", "both were heard");
  assert.deepEqual(
    [a, b].map(({ transport }) => transport.sizes.open),
    [1, 1],
  );
});

test("a server that is not there, and a wrong key", async (t) => {
  const timing = { ...DEFAULT_TIMING, first: 20, longest: 40, retransmissions: 2 };
  const client = await startDtls(t, { ...CLIENT, timing });
  const nobody = client.transport.connect(at(await freeUdpPort()));
  await assert.rejects(nobody, { name: "DtlsError", code: "TIMEOUT" });
  const server = await startDtls(t, { server: { psk: { lookup: () => Buffer.alloc(16, 1) } } });
  await assert.rejects(client.transport.connect(at(server.port)), { name: "DtlsError" });
  assert.equal(server.transport.counters.opened, 0);
  assert.deepEqual(client.gone, []);
  assert.deepEqual(client.transport.sizes, { shaking: 0, open: 0, resumable: 0 });
});

test("who was not let in, and why, is told", async (t) => {
  const failures: HandshakeFailure[] = [];
  const timing = { ...DEFAULT_TIMING, first: 20, longest: 40, retransmissions: 2 };
  const onFailure = (failure: HandshakeFailure): unknown => failures.push(failure);
  const server = await startDtls(t, { ...PSK, timing, onFailure });
  const wrong = await startDtls(t, { client: () => ({ psk: { identity: "nobody", key: key() } }) });
  const without = await startDtls(t, { client: () => ({}), trust: trustIn([], ["00".repeat(32)]) });
  const refused = assert.rejects(wrong.transport.connect(at(server.port)));
  await assert.rejects(without.transport.connect(at(server.port)), /alert 40 \(handshake_failure\)/);
  await eventually(() => failures.length === 2, "both failed");
  await wrong.transport.close();
  await refused;
  assert.deepEqual(
    failures.map(({ from, reason, claimed }) => [from.port, reason, claimed]),
    [
      [without.port, "refused", undefined],
      [wrong.port, "undecryptable", "nobody"],
    ],
  );
  assert.match(failures[0]?.detail ?? "", /suite/);
});

test("a transport that is closed tells its peers, and ends what is under way", async (t) => {
  const server = await startDtls(t, PSK);
  const client = await startDtls(t, CLIENT);
  await client.transport.connect(at(server.port));
  const waiting = client.transport.connect(at(await freeUdpPort()));
  const refused = assert.rejects(waiting, { name: "DtlsError", code: "CLOSED" });
  await client.transport.close();
  await refused;
  await client.transport.closed;
  await eventually(() => server.gone.length === 1, "the server heard of it");
  await assert.rejects(client.transport.connect(at(server.port)), { code: "CLOSED" });
  await client.transport.close();
});

test("a session is lost with the socket below", async (t) => {
  const under = await openUdp({ host: "127.0.0.1", port: 0 });
  const client = await startDtls(t, CLIENT, undefined, under);
  const server = await startDtls(t, PSK);
  const peer = await client.transport.connect(at(server.port));
  await under.close();
  await client.transport.closed;
  assert.deepEqual(client.gone, [{ peer, reason: "closed" }]);
});

test("options that nothing can be done with", async (t) => {
  const under = await openUdp({ host: "127.0.0.1", port: 0 });
  t.after(() => under.close());
  for (const bad of [{ cidLength: 1 }, { cidLength: 30 }, { cidLength: 8.5 }, { mtu: 10 }]) {
    assert.throws(() => openDtls({ ...PSK, ...bad }, under), { name: "DtlsError", code: "OPTIONS" });
  }
  const mute = await startDtls(t, PSK);
  await assert.rejects(mute.transport.connect(at(5684)), { name: "DtlsError", code: "OPTIONS" });
});

test("RFC 9146: behind a NAT that forgets, a session with a connection id goes on", async (t) => {
  const server = await startDtls(t, PSK, upper);
  const nat = await startNat(t, server.port);
  const device = await startDtls(t, CLIENT);
  const { transport } = device;
  const peer = await transport.connect(at(nat.port));
  transport.send(Buffer.from("one "), peer);
  await eventually(() => device.text === "ONE ", "the first was answered");
  const session = server.heard[0]?.peer;
  assert.ok(session);
  const ports = [session.port];
  for (const [text, answers] of [
    ["two ", "ONE TWO "],
    ["three", "ONE TWO THREE"],
  ] as const) {
    await nat.rebind();
    transport.send(Buffer.from(text), peer);
    await eventually(() => device.text === answers, `${text} was answered`);
    ports.push(session.port);
  }
  assert.equal(new Set(ports).size, 3);
  assert.equal(server.transport.counters.opened, 1);
  assert.equal(server.transport.counters.moved, 2);
  assert.ok(server.heard.every(({ peer }) => peer === session));
});

test("without connection ids the same device is a stranger", async (t) => {
  const server = await startDtls(t, { ...PSK, cidLength: 0 }, upper);
  const nat = await startNat(t, server.port);
  const device = await startDtls(t, CLIENT);
  const peer = await device.transport.connect(at(nat.port));
  await nat.rebind();
  device.transport.send(Buffer.from("two"), peer);
  await eventually(() => server.transport.counters.records.unknown_address === 1, "it came from nowhere");
  assert.deepEqual(server.heard, []);
});

test("noise at a socket ends nothing", async (t) => {
  const server = await startDtls(t, PSK, upper);
  const client = await startDtls(t, CLIENT);
  const peer = await client.transport.connect(at(server.port));
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  t.after(() => socket.close());
  const before = server.transport.counters.datagrams;
  for (let length = 0; length < 300; length++) {
    const bytes = Buffer.alloc(length, length);
    bytes.set(Buffer.from("16fefd000000000000000000", "hex").subarray(0, length % 13));
    socket.send(bytes, server.port, "127.0.0.1");
  }
  await eventually(() => server.transport.counters.datagrams >= before + 300, "all of it came");
  client.transport.send(Buffer.from("still here"), peer);
  await eventually(() => client.text === "STILL HERE", "it answered");
});

test("time is what the caller says it is", async (t) => {
  const udp = await openUdp({ host: "127.0.0.1", port: 0 });
  const silent = await openUdp({ host: "127.0.0.1", port: 0 });
  let time = 0;
  const client = openDtls({ ...CLIENT, now: () => (time += 100_000) }, udp);
  t.after(() => Promise.all([client.close(), silent.close()]));
  // Of the 243 s that this takes none is waited for.
  await assert.rejects(client.connect(silent.local), { code: "TIMEOUT" });
});
