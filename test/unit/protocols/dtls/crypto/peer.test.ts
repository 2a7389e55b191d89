import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { ownCertificate, ownRawPublicKey, trustIn } from "../../../../../src/protocols/dtls/crypto/credentials.js";
import { checkChain, checkRawPublicKey } from "../../../../../src/protocols/dtls/crypto/peer.js";
import type { Side } from "../../../../../src/protocols/dtls/crypto/secrets.js";
import { needs } from "../../../../support/peers.js";
import { AUTHORITY, type Made, maker, P521, RSA } from "./chains.js";

const openssl = needs("openssl");
/** Certificates that the tests make begin a little later. */
const NOW = Date.now() + 3_600_000;
const DAY = 86_400_000;
const der = ({ cert }: Made): Uint8Array => new X509Certificate(cert).raw;

function check(chain: readonly Made[], authorities: readonly Made[], side: Side = "client", wall = NOW, name?: string) {
  return checkChain(chain.map(der), trustIn(authorities.map(({ cert }) => cert)), side, wall, name);
}

const refused = (code: string) => ({ name: "DtlsError", code });

test("a chain of an authority of ours", openssl, (t) => {
  const make = maker(t);
  const root = make("root", { extensions: AUTHORITY });
  const middle = make("middle", { signer: root, extensions: AUTHORITY });
  const names = "subjectAltName=DNS:press-7.local,URI:urn:dev:7,DNS:press-7,IP:127.0.0.1";
  const leaf = make("press-7", { signer: middle, extensions: [names] });
  const fingerprint = createHash("sha256").update(der(leaf)).digest("hex");
  const identity = { kind: "certificate", names: ["press-7", "press-7.local", "urn:dev:7"], fingerprint };
  for (const side of ["client", "server"] as const) {
    const peer = check([leaf, middle], [root], side);
    assert.deepEqual(peer.identity, identity);
    assert.equal(peer.publicKey.equals(createPublicKey(leaf.key)), true);
  }
  // The root may come along, or the one in the middle be the one that is trusted.
  assert.deepEqual(check([leaf, middle, root], [root]).identity, identity);
  assert.deepEqual(check([leaf], [middle]).identity, identity);
  // One that is trusted itself needs nobody above it.
  assert.deepEqual(check([leaf], [leaf]).identity, identity);
  assert.throws(() => check([leaf], [root]), refused("UNKNOWN_CA"));
  assert.throws(() => check([leaf, root], [root]), refused("UNKNOWN_CA"));
  assert.throws(() => check([leaf, middle], []), refused("UNKNOWN_CA"));
  assert.throws(() => check([], [root]), refused("BAD_CERTIFICATE"));
  assert.throws(() => check([leaf, ...Array<Made>(8).fill(middle)], [root]), refused("BAD_CERTIFICATE"));
});

test("an authority of the same name is another one", openssl, (t) => {
  const make = maker(t);
  const [root, same] = [1, 2].map(() => make("root", { extensions: AUTHORITY }));
  assert.ok(root && same);
  const leaf = make("leaf", { signer: same });
  assert.throws(() => check([leaf], [root]), refused("UNKNOWN_CA"));
  assert.throws(() => check([leaf, same], [root]), refused("UNKNOWN_CA"));
});

test("every certificate of it must be valid at the time, authorities too", openssl, (t) => {
  const make = maker(t);
  const root = make("root", { extensions: AUTHORITY, more: ["-days", "30"] });
  const leaf = make("leaf", { signer: root, more: ["-days", "60"] });
  check([leaf], [root], "client", NOW + 20 * DAY);
  assert.throws(() => check([leaf], [root], "client", NOW + 40 * DAY), refused("CERTIFICATE_EXPIRED"));
  assert.throws(() => check([leaf], [leaf], "client", NOW + 70 * DAY), refused("CERTIFICATE_EXPIRED"));
  assert.throws(() => check([leaf], [root], "client", NOW - DAY), refused("CERTIFICATE_EXPIRED"));
});

test("an authority that was renewed: the one before does not stand in its way", openssl, (t) => {
  const make = maker(t);
  const before = make("root", { extensions: AUTHORITY, more: ["-days", "1"] });
  const after = make("root", { extensions: AUTHORITY, same: before, more: ["-days", "60"] });
  const leaf = make("leaf", { signer: after, more: ["-days", "60"] });
  const late = NOW + 20 * DAY;
  check([leaf], [before, after], "client", late);
  check([leaf], [after, before], "client", late);
  assert.throws(() => check([leaf], [before], "client", late), refused("CERTIFICATE_EXPIRED"));
});

test("only an authority signs, and only as far down as it may", openssl, (t) => {
  const make = maker(t);
  const root = make("root", { extensions: AUTHORITY });
  const device = make("device", { signer: root, extensions: ["basicConstraints=critical,CA:FALSE"] });
  const below = make("below", { signer: device });
  assert.throws(() => check([below, device], [root]), refused("BAD_CERTIFICATE"));
  assert.throws(() => check([below], [device]), refused("BAD_CERTIFICATE"));
  const plain = make("plain", { signer: root });
  assert.throws(() => check([make("below", { signer: plain }), plain], [root]), refused("BAD_CERTIFICATE"));
  const signer = make("signer", {
    signer: root,
    extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature"],
  });
  const misused = make("below", { signer });
  assert.throws(() => check([misused, signer], [root]), refused("UNKNOWN_CA"));
  assert.throws(() => check([misused], [signer]), refused("UNKNOWN_CA"));
  const short = make("short", { extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0"] });
  const middle = make("middle", { signer: short, extensions: AUTHORITY });
  const leaf = make("leaf", { signer: middle });
  check([make("leaf", { signer: short })], [short]);
  assert.throws(() => check([leaf, middle], [short]), refused("BAD_CERTIFICATE"));
  assert.throws(() => check([leaf, middle, short], [short]), refused("BAD_CERTIFICATE"));
});

test("a certificate is for its purpose", openssl, (t) => {
  const make = maker(t);
  const root = make("root", { extensions: AUTHORITY });
  const usage = (...extensions: string[]): Made => make("leaf", { signer: root, extensions });
  const server = usage("extendedKeyUsage=serverAuth");
  check([server], [root], "server");
  assert.throws(() => check([server], [root], "client"), refused("UNSUPPORTED_CERTIFICATE"));
  check([usage("extendedKeyUsage=clientAuth,codeSigning", "keyUsage=digitalSignature")], [root], "client");
  check([usage("extendedKeyUsage=anyExtendedKeyUsage")], [root], "client");
  // An authority for web servers makes no devices, in the chain or as the one that is trusted.
  const web = make("web", { signer: root, extensions: [...AUTHORITY, "extendedKeyUsage=serverAuth"] });
  const below = make("leaf", { signer: web });
  check([below, web], [root], "server");
  assert.throws(() => check([below, web], [root], "client"), refused("UNSUPPORTED_CERTIFICATE"));
  assert.throws(() => check([below], [web], "client"), refused("UNSUPPORTED_CERTIFICATE"));
  const agrees = usage("keyUsage=keyAgreement");
  assert.throws(() => check([agrees], [root], "server"), refused("UNSUPPORTED_CERTIFICATE"));
});

test("RFC 5280 4.2: a critical extension that is not known", openssl, (t) => {
  const make = maker(t);
  const root = make("root", { extensions: [...AUTHORITY, "nameConstraints=critical,permitted;DNS:example.org"] });
  assert.throws(() => check([make("leaf", { signer: root })], [root]), refused("UNSUPPORTED_CERTIFICATE"));
  const leaf = make("leaf", { extensions: ["1.2.3.4=critical,ASN1:NULL"] });
  assert.throws(() => check([leaf], [leaf]), refused("UNSUPPORTED_CERTIFICATE"));
  const harmless = make("leaf", { extensions: ["1.2.3.4=ASN1:NULL"] });
  check([harmless], [harmless]);
});

test("keys and signatures of other kinds", openssl, (t) => {
  const make = maker(t);
  const root = make("root", { extensions: AUTHORITY });
  for (const key of [RSA, P521]) {
    assert.throws(() => check([make("leaf", { signer: root, key })], [root]), refused("UNSUPPORTED_CERTIFICATE"));
    assert.throws(() => trustIn([make("root", { key }).cert]), refused("OPTIONS"));
  }
  const weak = make("leaf", { signer: root, more: ["-sha1"] });
  assert.throws(() => check([weak], [root]), refused("UNSUPPORTED_CERTIFICATE"));
});

test("the name of a server", openssl, (t) => {
  const make = maker(t);
  const leaf = make("leaf", { extensions: ["subjectAltName=DNS:gw.example.org,IP:192.0.2.1"] });
  const named = (name: string) => check([leaf], [leaf], "server", NOW, name);
  named("gw.example.org");
  named("192.0.2.1");
  for (const name of ["leaf", "example.org", "192.0.2.2"]) assert.throws(() => named(name), refused("BAD_CERTIFICATE"));
});

test("bytes that are no certificate", openssl, (t) => {
  const leaf = maker(t)("leaf");
  const trust = trustIn([leaf.cert]);
  const bytes = der(leaf);
  const bad = [Buffer.alloc(0), Buffer.from("no certificate"), bytes.subarray(0, -1), Buffer.concat([bytes, bytes])];
  for (const each of bad) assert.throws(() => checkChain([each], trust, "client", NOW), { name: "DtlsError" });
  for (let at = 0; at < bytes.length; at += 3) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8((damaged[at] ?? 0) ^ 0x21, at);
    assert.throws(() => checkChain([damaged], trust, "client", NOW), { name: "DtlsError" }, `byte ${at}`);
  }
});

test("RFC 7250: a key alone", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const own = ownRawPublicKey(privateKey);
  const [spki] = own.message;
  assert.ok(spki);
  const fingerprint = createHash("sha256").update(spki).digest("hex");
  const written = fingerprint.toUpperCase().replace(/..(?=.)/g, "$&:");
  const peer = checkRawPublicKey(spki, trustIn([], [written]));
  assert.deepEqual(peer.identity, { kind: "raw-public-key", fingerprint });
  assert.equal(peer.publicKey.equals(createPublicKey(privateKey)), true);
  assert.throws(() => checkRawPublicKey(spki, trustIn([])), refused("CERTIFICATE_UNKNOWN"));
  const print = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const garbage = Buffer.from("garbage");
  assert.throws(() => checkRawPublicKey(garbage, trustIn([], [print(garbage)])), refused("BAD_CERTIFICATE"));
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "der" });
  assert.throws(() => checkRawPublicKey(rsa, trustIn([], [print(rsa)])), refused("UNSUPPORTED_CERTIFICATE"));
  assert.throws(() => trustIn([], ["abc"]), refused("OPTIONS"));
});

test("our own credentials", openssl, (t) => {
  const make = maker(t);
  const root = make("root", { extensions: AUTHORITY });
  const [leaf, other] = [make("leaf", { signer: root }), make("other", { signer: root })];
  const own = ownCertificate(leaf.cert + root.cert, leaf.key);
  assert.deepEqual(
    own.message.map((each) => Buffer.from(each)),
    [leaf, root].map((each) => Buffer.from(der(each))),
  );
  assert.throws(() => ownCertificate(leaf.cert, other.key), refused("OPTIONS"));
  assert.throws(() => ownCertificate("", leaf.key), refused("OPTIONS"));
  assert.throws(
    () => ownCertificate(leaf.cert, "secret words"),
    (error: Error) => !`${error.stack}`.includes("secret"),
  );
  const rsa = make("rsa", { key: RSA });
  assert.throws(() => ownCertificate(rsa.cert, rsa.key), refused("OPTIONS"));
});
