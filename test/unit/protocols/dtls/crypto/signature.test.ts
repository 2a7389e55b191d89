import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import {
  isSignatureScheme,
  keyExchangeInput,
  SIGNATURE_SCHEMES,
  schemeFor,
  sign,
  verify,
} from "../../../../../src/protocols/dtls/crypto/signature.js";

const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const input = keyExchangeInput(Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.from("parameters"));
const ALL = Object.values(SIGNATURE_SCHEMES);

for (const scheme of ALL) {
  test(`0x0${scheme.toString(16)}: what was signed is verified, and nothing else`, () => {
    const signature = sign(scheme, p256.privateKey, input);
    assert.equal(verify(scheme, p256.publicKey, input, signature), true);
    assert.equal(verify(scheme, p256.publicKey, Buffer.concat([input, Buffer.from([0])]), signature), false);
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    assert.equal(verify(scheme, other.publicKey, input, signature), false);
    for (const different of ALL.filter((each) => each !== scheme)) {
      assert.equal(verify(different, p256.publicKey, input, signature), false);
    }
    assert.equal(verify(scheme, p256.publicKey, input, Buffer.from("no DER")), false);
    assert.equal(verify(scheme, p256.publicKey, input, Buffer.alloc(0)), false);
  });
}

test("the scheme goes with the curve, of those that the peer takes", () => {
  assert.equal(schemeFor(p256.privateKey, [0x0503, 0x0403]), 0x0403);
  assert.equal(schemeFor(p384.privateKey, [0x0403, 0x0503]), 0x0503);
  assert.equal(schemeFor(p256.privateKey, [0x0603]), 0x0603);
  assert.equal(schemeFor(p256.privateKey, [0x0401, 0x0203]), undefined);
});

test("keys of other kinds neither sign nor verify", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const k256 = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  for (const { privateKey, publicKey } of [rsa, k256]) {
    assert.equal(schemeFor(privateKey, ALL), undefined);
    assert.equal(verify(0x0403, publicKey, input, sign(0x0403, p256.privateKey, input)), false);
  }
});

test("SHA-1 and RSA are no schemes", () => {
  assert.deepEqual([0x0403, 0x0503, 0x0603, 0x0203, 0x0401].map(isSignatureScheme), [true, true, true, false, false]);
});
