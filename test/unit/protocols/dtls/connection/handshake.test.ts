import assert from "node:assert/strict";
import { test } from "node:test";
import { SUITES } from "../../../../../src/protocols/dtls/crypto/index.js";
import { seeded } from "../../../../support/random.js";
import { FAIR, Network } from "./network.js";
import { IDENTITY, pskClient, pskServer, rawKeyPair, suitesOf } from "./options.js";

for (const suite of SUITES.filter(({ keyExchange }) => keyExchange !== "ecdhe_ecdsa")) {
  test(`${suite.name}: both agree, and data goes both ways`, () => {
    const network = new Network(pskClient({ suites: [suite] }), pskServer(), FAIR, seeded(1));
    network.handshake();
    assert.deepEqual(network.client.closed, undefined);
    assert.equal(network.server.established?.suite, suite);
    assert.deepEqual(network.server.established.identity, { kind: "psk", identity: IDENTITY });
    assert.equal(network.client.established?.suite, suite);
    network.send("client", "21.5");
    network.send("server", "thanks");
    network.run(network.now + 100);
    assert.deepEqual(network.server.data, ["21.5"]);
    assert.deepEqual(network.client.data, ["thanks"]);
  });
}

for (const suite of suitesOf("ecdhe_ecdsa")) {
  test(`${suite.name}: raw public keys of both`, () => {
    const { client, server, fingerprints } = rawKeyPair();
    const network = new Network({ ...client, suites: [suite] }, server, FAIR, seeded(1));
    network.handshake();
    assert.equal(network.client.closed, undefined);
    assert.deepEqual(network.server.established?.identity, { kind: "raw-public-key", fingerprint: fingerprints[0] });
    assert.deepEqual(network.client.established?.identity, { kind: "raw-public-key", fingerprint: fingerprints[1] });
    network.send("client", "21.5");
    network.run(network.now + 100);
    assert.deepEqual(network.server.data, ["21.5"]);
  });
}
