import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { ownCertificate, SUITES, trustIn } from "../../../../../src/protocols/dtls/crypto/index.js";
import { HANDSHAKE_TYPES } from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import type { ClientOptions, ServerOptions } from "../../../../../src/protocols/dtls/options.js";
import { CONTENT, parseDatagram } from "../../../../../src/protocols/dtls/record/index.js";
import type { Session } from "../../../../../src/protocols/dtls/session.js";
import { type Certificate, makeAuthority } from "../../../../support/certificates.js";
import { needs } from "../../../../support/peers.js";
import { seeded } from "../../../../support/random.js";
import { FAIR, Network } from "./network.js";
import { IDENTITY, KEY, pskClient, pskServer, rawKey, rawKeyPair, sessionOf, suitesOf } from "./options.js";

function played(client: ClientOptions, server: ServerOptions, until?: number): Network {
  const network = new Network(client, server, FAIR, seeded(1));
  network.handshake(until);
  return network;
}

/** The alert that the server, or the client, refused the other with. */
function refusal(network: Network, by: "client" | "server"): string | undefined {
  const closed = network[by].closed;
  return closed?.kind === "refused" ? closed.error.code : undefined;
}

test("a session goes on: with its identity, and without its key exchange", () => {
  const session = sessionOf(pskClient(), pskServer);
  const network = played(pskClient({ session }), pskServer({ resume: () => session }));
  const { established } = network.server;
  assert.equal(established?.resumed, true);
  assert.equal(network.client.established?.resumed, true);
  assert.deepEqual(established?.identity, { kind: "psk", identity: IDENTITY });
  assert.equal(established?.session, undefined, "it is kept already");
  const sent = network.client.sent.flatMap((datagram) => parseDatagram(datagram, 0).records);
  const inTheClear = sent.filter(({ type, epoch }) => type === CONTENT.handshake && epoch === 0);
  const types = inTheClear.map(({ fragment }) => fragment[0]);
  assert.deepEqual(types, [HANDSHAKE_TYPES.client_hello, HANDSHAKE_TYPES.client_hello]);
});

test("a session that is dropped while the server is waited for leaves no secret of zeros to go on with", () => {
  const session = sessionOf(pskClient(), pskServer);
  const begin = (server: Session): { network: Network; dropped: Session } => {
    const dropped = { ...session, master: Buffer.from(session.master) };
    const resume = (): Session => server;
    return { network: new Network(pskClient({ session: dropped }), pskServer({ resume }), FAIR, seeded(1)), dropped };
  };
  const honest = begin(session);
  honest.dropped.master.fill(0);
  honest.network.handshake(5_000);
  assert.equal(honest.network.client.established?.resumed, true);
  // Somebody in the middle who knows only that the secret is overwritten with zeros.
  const impostor = begin({ ...session, master: Buffer.alloc(48) });
  impostor.dropped.master.fill(0);
  impostor.network.handshake(5_000);
  assert.equal(impostor.network.client.established, undefined);
});

test("a session does not go on when the key behind it is gone or changed, or its time is over", () => {
  const session = sessionOf(pskClient(), pskServer);
  const resume = (): Session => session;
  const other = Buffer.from("another key");
  const changed = pskServer({ resume, psk: { lookup: () => other, hint: undefined } });
  const psk = { identity: IDENTITY, key: other };
  // A client whose own key has changed does not even ask.
  assert.equal(played(pskClient({ session, psk }), changed).server.established?.resumed, false);
  assert.equal(played(pskClient({ session }), changed, 20_000).server.established, undefined);
  const gone = pskServer({ resume, psk: { lookup: () => undefined, hint: undefined } });
  assert.equal(played(pskClient({ session }), gone, 20_000).server.established, undefined);
  const over = { ...session, validUntil: Date.now() - 1000 };
  const late = pskServer({ resume: () => over, wall: Date.now() });
  assert.equal(played(pskClient({ session }), late).server.established?.resumed, false);
  const unknown = pskServer({ resume: () => undefined });
  assert.equal(played(pskClient({ session }), unknown).server.established?.resumed, false);
});

test("a raw public key that is no longer trusted ends its session too", () => {
  const { client, server } = rawKeyPair();
  const session = sessionOf(client, (more) => ({ ...server, ...more }));
  const resume = (): Session => session;
  assert.equal(played({ ...client, session }, { ...server, resume }).server.established?.resumed, true);
  const trust = trustIn([], [rawKey().fingerprint]);
  const network = played({ ...client, session }, { ...server, resume, trust });
  assert.equal(refusal(network, "server"), "CERTIFICATE_UNKNOWN");
});

test("RFC 7627 5.3: a session is not resumed by a hello without the extended master secret", () => {
  const session = sessionOf(pskClient(), pskServer);
  const network = new Network(pskClient({ session }), pskServer({ resume: () => session }), FAIR, seeded(1));
  network.tamper = (datagram, to) => [to === "server" ? withoutExtendedMasterSecret(datagram) : datagram];
  network.handshake(20_000);
  assert.equal(refusal(network, "server"), "HANDSHAKE_FAILURE");
});

test("RFC 7627: who takes the extension out on the way breaks the handshake", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.tamper = (datagram, to) => [to === "server" ? withoutExtendedMasterSecret(datagram) : datagram];
  network.handshake(20_000);
  assert.equal(network.server.established, undefined);
  assert.equal(network.client.established, undefined);
});

test("RFC 5246 7.4.1.4: a server hello with an extension that was not offered", () => {
  const network = new Network(pskClient(), pskServer(), FAIR, seeded(1));
  network.tamper = (datagram, to) => [to === "client" ? withoutExtendedMasterSecret(datagram) : datagram];
  network.handshake(20_000);
  assert.equal(refusal(network, "client"), "UNSUPPORTED_EXTENSION");
});

test("RFC 7250 4.2: a server that chooses a type of certificate that was not offered", () => {
  const { client, server } = rawKeyPair();
  const network = new Network(client, server, FAIR, seeded(1));
  const chosen = Buffer.of(0, 20, 0, 1, 2);
  network.tamper = (datagram, to) => {
    const at = to === "client" ? Buffer.from(datagram).indexOf(chosen) : -1;
    return [at < 0 ? datagram : Uint8Array.from(datagram, (byte, index) => (index === at + 4 ? 1 : byte))];
  };
  network.handshake(20_000);
  assert.equal(refusal(network, "client"), "ILLEGAL_PARAMETER");
});

/** The extension becomes one that nobody knows: its number, 23, and no bytes. */
function withoutExtendedMasterSecret(datagram: Uint8Array): Uint8Array {
  const at = Buffer.from(datagram).indexOf(Buffer.of(0, 23, 0, 0));
  if (at < 0) return datagram;
  const changed = Uint8Array.from(datagram);
  changed[at] = 0x5a;
  return changed;
}

test("RFC 4279 2: nobody learns whether an identity exists: a wrong one fails as a wrong key does", () => {
  const wrongKey = pskClient({ psk: { identity: IDENTITY, key: Buffer.from("not the key") } });
  const wrongIdentity = pskClient({ psk: { identity: "sensor-8", key: KEY } });
  const [key, identity] = [wrongKey, wrongIdentity].map((client) => {
    const network = played(client, pskServer());
    network.run();
    return network;
  });
  assert.deepEqual(key?.server.closed, { kind: "undecryptable", claimed: IDENTITY });
  assert.deepEqual(identity?.server.closed, { kind: "undecryptable", claimed: "sensor-8" });
  assert.deepEqual(identity?.client.closed, { kind: "timeout" });
  // The server knows by then, and does not hold on to it for as long as a client waits that nobody answers.
  for (const network of [key, identity]) assert.ok((network?.server.closedAt ?? Number.POSITIVE_INFINITY) < 25_000);
  const lengths = (network: Network | undefined): number[] => (network?.server.sent ?? []).map(({ length }) => length);
  assert.deepEqual(lengths(identity), lengths(key));
  const longest = pskClient({ psk: { identity: "x".repeat(129), key: KEY } });
  const lenient = pskServer({ psk: { lookup: () => KEY, hint: undefined } });
  assert.equal(played(longest, lenient, 20_000).server.established, undefined, "128 bytes are the longest");
});

test("a hint goes out, and changes nothing", () => {
  for (const exchange of ["psk", "ecdhe_psk"] as const) {
    const psk = { lookup: () => KEY, hint: "weir" };
    const network = played(pskClient({ suites: suitesOf(exchange) }), pskServer({ psk }));
    assert.ok(network.client.established !== undefined);
    assert.ok(network.server.sent.some((datagram) => Buffer.from(datagram).includes("weir")));
  }
});

test("no cipher suite in common, and a client that has credentials for none", () => {
  const network = played(pskClient(), pskServer({ suites: suitesOf("ecdhe_ecdsa") }));
  assert.equal(refusal(network, "server"), "HANDSHAKE_FAILURE");
  network.run(network.now + 100);
  assert.deepEqual(network.client.closed, { kind: "alert", code: 40 });
  assert.throws(() => played(pskClient({ psk: undefined }), pskServer()), { code: "OPTIONS" });
});

test("the server's order decides", () => {
  const network = played(pskClient({ suites: SUITES.toReversed() }), pskServer());
  assert.equal(network.server.established?.suite, suitesOf("ecdhe_psk")[0]);
});

for (const [own, peer] of [
  ["own", "peer"],
  ["own", ""],
  ["", "peer"],
  ["", ""],
] as const) {
  test(`RFC 9146 3: the client wants "${own}" in records to it, the server "${peer}"`, () => {
    const network = played(pskClient({ cid: Buffer.from(own) }), pskServer({ cid: Buffer.from(peer) }));
    assert.equal(Buffer.from(network.client.established?.ownCid ?? []).toString(), own);
    assert.equal(Buffer.from(network.client.established?.peerCid ?? []).toString(), peer);
    network.send("client", "up");
    network.send("server", "down");
    network.run(network.now + 100);
    assert.deepEqual([network.server.data, network.client.data], [["up"], ["down"]]);
    assert.equal(network.client.sent.at(-1)?.[0], peer === "" ? 23 : 25);
    assert.equal(network.server.sent.at(-1)?.[0], own === "" ? 23 : 25);
  });
}

test("a connection id that only one speaks of is not used", () => {
  for (const network of [
    played(pskClient({ cid: Buffer.from("own") }), pskServer()),
    played(pskClient(), pskServer({ cid: Buffer.from("peer") })),
  ]) {
    assert.equal(network.client.established?.ownCid.length, 0);
    assert.equal(network.server.established?.ownCid.length, 0);
  }
});

const openssl = needs("openssl");
const pem = (path: string): string => readFileSync(path, "utf8");

interface Certified {
  readonly client: ClientOptions;
  readonly server: ServerOptions;
}

/** A server with a certificate of its own authority, and a client that trusts that. */
function certified(t: TestContext, more: Partial<ServerOptions> = {}): Certified & { clientKey: Certificate } {
  const authority = makeAuthority(t);
  const trust = trustIn([pem(authority.ca)]);
  const served = authority.issue("weir", 1, "DNS:weir.example,IP:127.0.0.1");
  const clientKey = authority.issue("sensor-7", 2, "DNS:sensor-7.example");
  const keys = [ownCertificate(pem(served.cert), pem(served.key))];
  const wall = Date.now();
  return {
    client: pskClient({ suites: SUITES, psk: undefined, trust, wall, serverName: "weir.example" }),
    server: pskServer({ psk: undefined, keys, trust, wall, clientCertificate: "required", ...more }),
    clientKey,
  };
}

test("certificates of both, and each knows who the other is", openssl, (t) => {
  const { client, server, clientKey } = certified(t);
  const keys = [ownCertificate(pem(clientKey.cert), pem(clientKey.key))];
  const network = played({ ...client, keys, mtu: 300 }, { ...server, mtu: 300 });
  const [theirs, ours] = [network.server.established?.identity, network.client.established?.identity];
  assert.deepEqual(theirs?.kind === "certificate" && theirs.names, ["sensor-7", "sensor-7.example"]);
  assert.deepEqual(ours?.kind === "certificate" && ours.names, ["weir", "weir.example"]);
  assert.ok(network.server.sent.every(({ length }) => length <= 300));
});

test("a client without a certificate is refused, or has no identity, as the server likes", openssl, (t) => {
  const { client, server } = certified(t);
  assert.equal(refusal(played(client, server), "server"), "HANDSHAKE_FAILURE");
  for (const clientCertificate of ["optional", "none"] as const) {
    const network = played(client, { ...server, clientCertificate });
    assert.ok(network.server.established !== undefined);
    assert.equal(network.server.established.identity, undefined);
  }
});

test("a server of another name, another authority, or another time is refused", openssl, (t) => {
  const { client, server } = certified(t, { clientCertificate: "none" });
  assert.ok(played({ ...client, serverName: "127.0.0.1" }, server).client.established !== undefined);
  assert.equal(refusal(played({ ...client, serverName: "other.example" }, server), "client"), "BAD_CERTIFICATE");
  const later = { ...client, wall: Date.now() + 3 * 86_400_000 };
  assert.equal(refusal(played(later, server), "client"), "CERTIFICATE_EXPIRED");
  const stranger = trustIn([pem(makeAuthority(t).ca)]);
  assert.equal(refusal(played({ ...client, trust: stranger }, server), "client"), "UNKNOWN_CA");
});

test("a certificate that somebody else has the key of", openssl, (t) => {
  const { client, server, clientKey } = certified(t);
  const { key } = rawKey();
  const certificate = ownCertificate(pem(clientKey.cert), pem(clientKey.key));
  const stolen = { ...certificate, privateKey: key.privateKey };
  assert.equal(refusal(played({ ...client, keys: [stolen] }, server), "server"), "DECRYPT_ERROR");
  const [own] = server.keys;
  assert.ok(own !== undefined);
  const impostor = { ...server, keys: [{ ...own, privateKey: key.privateKey }] };
  assert.equal(refusal(played(client, impostor), "client"), "DECRYPT_ERROR");
});

test("RFC 7250: types of certificates that do not meet", openssl, (t) => {
  const { client, server } = certified(t);
  const raw = rawKeyPair();
  // A server with a raw key alone has nothing for a client that knows only certificates.
  assert.equal(refusal(played(client, raw.server), "server"), "HANDSHAKE_FAILURE");
  const onlyRaw = { ...server, trust: raw.server.trust };
  assert.equal(refusal(played(client, onlyRaw), "server"), "UNSUPPORTED_CERTIFICATE");
  // One that has both gives what the client likes better.
  const both = { ...raw.server, keys: [...server.keys, ...raw.server.keys] };
  assert.equal(played(raw.client, both).client.established?.identity?.kind, "raw-public-key");
});
