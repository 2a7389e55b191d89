import assert from "node:assert/strict";
import { test } from "node:test";
import { prf } from "../../../../../src/protocols/dtls/crypto/prf.js";
import {
  ecdhePskPremaster,
  extendedMasterSecret,
  masterSecret,
  pskPremaster,
  sameBytes,
  trafficKeys,
  verifyData,
} from "../../../../../src/protocols/dtls/crypto/secrets.js";
import { SUITES, suiteOf } from "../../../../../src/protocols/dtls/crypto/suites.js";

const client = Buffer.alloc(32, 1);
const server = Buffer.alloc(32, 2);
const master = Buffer.alloc(48, 3);

test("RFC 4279 2: the premaster secret of a key alone", () => {
  assert.equal(pskPremaster(Buffer.from("abcd", "hex")).toString("hex"), "00020000" + "0002abcd");
});

test("RFC 5489 2: the premaster secret of a key and a shared secret", () => {
  const premaster = ecdhePskPremaster(Buffer.from("010203", "hex"), Buffer.from("abcd", "hex"));
  assert.equal(premaster.toString("hex"), "0003010203" + "0002abcd");
});

test("RFC 5246 8.1, RFC 7627 4: labels and seeds of the master secrets", () => {
  const premaster = Buffer.from("0102", "hex");
  const plain = prf("sha256", premaster, "master secret", Buffer.concat([client, server]), 48);
  assert.deepEqual(masterSecret("sha256", premaster, client, server), plain);
  const hash = Buffer.alloc(48, 9);
  const extended = prf("sha384", premaster, "extended master secret", hash, 48);
  assert.deepEqual(extendedMasterSecret("sha384", premaster, hash), extended);
});

for (const suite of SUITES) {
  test(`RFC 5246 6.3: the order of the key block of ${suite.name}`, () => {
    const { keyLength, hash } = suite;
    const keys = trafficKeys(suite, master, client, server);
    const block = prf(hash, master, "key expansion", Buffer.concat([server, client]), 2 * keyLength + 8);
    const inOrder = [keys.client.key, keys.server.key, keys.client.iv, keys.server.iv];
    assert.deepEqual(
      inOrder.map(({ length }) => length),
      [keyLength, keyLength, 4, 4],
    );
    assert.deepEqual(Buffer.concat(inOrder), block);
    assert.equal(suiteOf(suite.id), suite);
  });
}

test("RFC 5246 7.4.9: each side has its own verify_data", () => {
  const hash = Buffer.alloc(32, 9);
  assert.deepEqual(verifyData("sha256", master, "client", hash), prf("sha256", master, "client finished", hash, 12));
  assert.deepEqual(verifyData("sha256", master, "server", hash), prf("sha256", master, "server finished", hash, 12));
});

test("bytes are the same only with the same length", () => {
  assert.equal(sameBytes(Buffer.from("ab"), Buffer.from("ab")), true);
  assert.equal(sameBytes(Buffer.from("ab"), Buffer.from("ac")), false);
  assert.equal(sameBytes(Buffer.from("ab"), Buffer.from("abc")), false);
});
