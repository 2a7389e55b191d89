import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { ephemeralKey, GROUPS, type Group, groupOf } from "../../../../../src/protocols/dtls/crypto/ecdh.js";

const LENGTHS = { x25519: [32, 32], secp256r1: [65, 32], secp384r1: [97, 48] } as const;
const ILLEGAL = { name: "DtlsError", code: "ILLEGAL_PARAMETER" };

for (const group of Object.keys(GROUPS) as Group[]) {
  test(`${group}: both come to one secret`, () => {
    const [publicLength, secretLength] = LENGTHS[group];
    const [ours, theirs] = [ephemeralKey(group), ephemeralKey(group)];
    const secret = ours.sharedSecret(theirs.publicKey);
    assert.equal(ours.publicKey.length, publicLength);
    assert.equal(secret.length, secretLength);
    assert.deepEqual(theirs.sharedSecret(ours.publicKey), secret);
    assert.notDeepEqual(ephemeralKey(group).sharedSecret(theirs.publicKey), secret);
    assert.equal(groupOf(GROUPS[group]), group);
  });

  test(`${group}: what is no public key is refused`, () => {
    const key = ephemeralKey(group);
    const [length] = LENGTHS[group];
    const zero = Buffer.alloc(length);
    const offCurve = Buffer.from(key.publicKey);
    offCurve.writeUInt8((offCurve.at(-1) ?? 0) ^ 1, length - 1);
    const bad = [zero, key.publicKey.subarray(1), Buffer.concat([key.publicKey, zero]), Buffer.alloc(0)];
    // Every string of 32 bytes is a point of X25519 or of its twist, both of which are safe.
    for (const peer of group === "x25519" ? bad : [...bad, offCurve]) {
      assert.throws(() => key.sharedSecret(peer), ILLEGAL, Buffer.from(peer).toString("hex"));
    }
  });
}

test("RFC 8422 5.1.2: compressed and hybrid points are refused", () => {
  const { publicKey, sharedSecret } = ephemeralKey("secp256r1");
  const compressed = Buffer.concat([Buffer.from([2 + ((publicKey.at(-1) ?? 0) & 1)]), publicKey.subarray(1, 33)]);
  assert.throws(() => sharedSecret(compressed), ILLEGAL);
  const hybrid = Buffer.from(publicKey);
  hybrid.writeUInt8(6 + ((publicKey.at(-1) ?? 0) & 1), 0);
  assert.throws(() => sharedSecret(hybrid), ILLEGAL);
});

test("RFC 7748 6.1: points of small order give no secret", () => {
  const orders = [
    "01",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    `${"ecff".padEnd(62, "f")}7f`,
  ];
  for (const text of orders) {
    const point = Buffer.from(text.padEnd(64, "0"), "hex");
    assert.throws(() => ephemeralKey("x25519").sharedSecret(point), ILLEGAL, text);
  }
});

test("a group that is not spoken", () => {
  assert.equal(groupOf(25), undefined);
});

test("a key is made without a lock that collecting garbage waits for: the process would stand still for ever", () => {
  const ecdh = new URL("../../../../../src/protocols/dtls/crypto/ecdh.js", import.meta.url);
  const script = `import { ephemeralKey } from ${JSON.stringify(ecdh.href)};
    for (let count = 0; count < 20_000; count++) ephemeralKey("x25519");`;
  // Garbage is collected so often that it happens at every place where it can.
  for (const interval of [53, 89, 97, 211, 499]) {
    const node = [`--gc-interval=${interval}`, "--input-type=module", "--eval", script];
    execFileSync(process.execPath, node, { timeout: 30_000, stdio: "ignore" });
  }
});
