import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSpeaker, maySpeakFor, namesOf, peerText } from "../../../../../adapters/coap/posted/identity.js";
import { Refusal } from "../../../../../adapters/coap/posted/refusal.js";
import type { Device } from "../../../../../adapters/coap/posted/targets.js";
import type { Peer, PeerIdentity } from "../../../../../src/protocols/datagram/index.js";

const FINGERPRINT = "ab".repeat(32);
const OTHER = "cd".repeat(32);
const PSK: PeerIdentity = { kind: "psk", identity: "air" };
const CERTIFICATE: PeerIdentity = { kind: "certificate", names: ["unit 7", "air"], fingerprint: FINGERPRINT };
/** Those that call themselves by the fingerprint of another one. */
const NAMED: PeerIdentity = { ...CERTIFICATE, names: [`sha256:${"cd".repeat(32)}`] };
const POSING: PeerIdentity = { kind: "psk", identity: `sha256:${"cd".repeat(32)}` };
const RAW: PeerIdentity = { kind: "raw-public-key", fingerprint: FINGERPRINT };

function peer(identity?: PeerIdentity): Peer {
  return { id: "p", address: "192.0.2.1", port: 7, identity };
}

function device(id: string, identity?: string): Device {
  return { id, profile: undefined, address: { path: undefined, identity, server: undefined } };
}

const DTLS = { secure: true, required: false };
const UDP = { secure: false, required: false };

for (const [what, identity, of, channel, allowed] of [
  ["a key of the device's id", PSK, device("air"), DTLS, true],
  ["a key of the device's identity", PSK, device("hall", "air"), DTLS, true],
  ["a key of another device", PSK, device("hall"), DTLS, false],
  ["a key of the id of a device with another identity", PSK, device("air", "hall"), DTLS, false],
  ["any name of a certificate", CERTIFICATE, device("air"), DTLS, true],
  ["the fingerprint of a certificate", CERTIFICATE, device("x", `sha256:${FINGERPRINT}`), DTLS, true],
  [
    "a name of a certificate that looks like a fingerprint",
    { ...CERTIFICATE, names: [`sha256:${OTHER}`] },
    device("x", `sha256:${OTHER}`),
    DTLS,
    false,
  ],
  ["the fingerprint of a key", RAW, device("x", `sha256:${FINGERPRINT}`), DTLS, true],
  ["a name that is written as a fingerprint", NAMED, device("x", `sha256:${"cd".repeat(32)}`), DTLS, false],
  ["a key's identity that is written as one", POSING, device("x", `sha256:${"cd".repeat(32)}`), DTLS, false],
  ["a fingerprint without its kind", RAW, device("x", FINGERPRINT), DTLS, false],
  ["nothing, over DTLS", undefined, device("air"), DTLS, false],
  ["nothing, over UDP", undefined, device("air"), UDP, true],
  ["nothing, over UDP, of a device with an identity", undefined, device("air", "air"), UDP, false],
  ["nothing, over UDP, where DTLS is required", undefined, device("air"), { secure: false, required: true }, false],
] as const) {
  test(`${what}: ${allowed ? "may" : "may not"} speak`, () => {
    assert.equal(maySpeakFor(peer(identity), of, channel), allowed);
    const check = (): void => checkSpeaker(peer(identity), of, channel);
    if (allowed) check();
    else
      assert.throws(
        check,
        (error) => error instanceof Refusal && error.code === (identity === undefined ? "4.01" : "4.03"),
      );
  });
}

test("a name that an object inherits is nobody's", () => {
  assert.equal(maySpeakFor(peer({ kind: "psk", identity: "constructor" }), device("air"), DTLS), false);
});

test("a peer in words: who it proved to be, made safe, and its address", () => {
  assert.equal(peerText(peer()), "192.0.2.1 port 7");
  assert.equal(peerText(peer({ kind: "psk", identity: 'a"\n' })), '"a\\"\\n" at 192.0.2.1 port 7');
  assert.deepEqual(namesOf(CERTIFICATE), ["unit 7", "air", `sha256:${FINGERPRINT}`]);
});
