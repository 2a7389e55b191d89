import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ownCertificate, ownRawPublicKey, SUITES, trustIn } from "../../src/protocols/dtls/index.js";
import { makeAuthority } from "../support/certificates.js";
import { startDialogue } from "../support/dialogue.js";
import { IDENTITY, KEY, key, PSK, startDtls } from "../support/dtls.js";
import { eventually } from "../support/eventually.js";
import { needs } from "../support/peers.js";
import { freeUdpPort } from "../support/ports.js";

const gnutls = needs("gnutls-cli", "openssl");
const PSK_CIPHERS = {
  PSK_WITH_AES_128_CCM_8: "AES-128-CCM-8",
  PSK_WITH_AES_128_CCM: "AES-128-CCM",
  PSK_WITH_AES_256_CCM_8: "AES-256-CCM-8",
  PSK_WITH_AES_256_CCM: "AES-256-CCM",
  PSK_WITH_AES_128_GCM_SHA256: "AES-128-GCM",
  PSK_WITH_AES_256_GCM_SHA384: "AES-256-GCM",
};
const PSK_ONLY = "NONE:+VERS-DTLS1.2:+PSK:+AEAD:+COMP-NULL:+SIGN-ALL:+GROUP-ALL";
const RAW = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK";
const text = (path: string): string => readFileSync(path, "utf8");

function client(t: TestContext, port: number, ...args: string[]) {
  return startDialogue(t, "gnutls-cli", ["--udp", "-p", `${port}`, "127.0.0.1", "--mtu", "1200", ...args]);
}

async function server(t: TestContext, ...args: string[]) {
  const port = await freeUdpPort();
  const dialogue = startDialogue(t, "gnutls-serv", ["--udp", "--echo", "-p", `${port}`, "--mtu", "1200", ...args]);
  await dialogue.hears("listening");
  return Object.assign(dialogue, { port });
}

for (const [suite, cipher] of Object.entries(PSK_CIPHERS)) {
  test(`gnutls-cli with ${suite}`, gnutls, async (t) => {
    const ours = await startDtls(t, PSK, (bytes) => Buffer.from(bytes.toString().toUpperCase()));
    const psk = ["--pskusername", IDENTITY, "--pskkey", KEY];
    const theirs = client(t, ours.port, ...psk, "--priority", `${PSK_ONLY}:+${cipher}`);
    theirs.say("how much?\n");
    await theirs.hears("HOW MUCH?");
    assert.deepEqual(ours.heard[0]?.peer.identity, { kind: "psk", identity: IDENTITY });
  });

  test(`gnutls-serv with ${suite}`, gnutls, async (t) => {
    const folder = folderOf(t);
    const file = join(folder, "keys");
    writeFileSync(file, `${IDENTITY}:${KEY}\n`);
    const theirs = await server(t, "--pskpasswd", file, "--priority", `${PSK_ONLY}:+${cipher}`);
    const suites = SUITES.filter(({ name }) => name === suite);
    const ours = await startDtls(t, { suites, client: () => ({ psk: { identity: IDENTITY, key: key() } }) });
    const peer = await ours.transport.connect({ address: "127.0.0.1", port: theirs.port });
    ours.transport.send(Buffer.from("how much?\n"), peer);
    await eventually(() => ours.text.includes("how much?"), "it said the same");
  });
}

test("certificates of both: gnutls-cli", gnutls, async (t) => {
  const authority = makeAuthority(t);
  const [own, device] = [authority.issue("gateway", 1), authority.issue("press-7", 2)];
  const trust = trustIn([text(authority.ca)]);
  const ours = await startDtls(t, { keys: [ownCertificate(text(own.cert), text(own.key))], trust, server: {} });
  const identify = ["--x509cafile", authority.ca, "--x509certfile", device.cert, "--x509keyfile", device.key];
  client(t, ours.port, ...identify, "--priority", "NORMAL:-VERS-ALL:+VERS-DTLS1.2").say("it is I\n");
  await eventually(() => ours.text.includes("it is I"), "it said something");
  const { identity } = ours.heard[0]?.peer ?? {};
  assert.deepEqual(identity?.kind === "certificate" && identity.names, ["press-7"]);
});

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weir-gnutls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A key pair, its files for GnuTLS, and the fingerprint by which it is known. */
function rawKey(folder: string, name: string) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const files = { public: join(folder, `${name}.pub`), private: join(folder, `${name}.key`) };
  writeFileSync(files.public, publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(files.private, privateKey.export({ type: "pkcs8", format: "pem" }));
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { privateKey, files, fingerprint: createHash("sha256").update(spki).digest("hex") };
}

test("raw public keys of both: gnutls-cli", gnutls, async (t) => {
  const folder = folderOf(t);
  const [own, device] = [rawKey(folder, "own"), rawKey(folder, "device")];
  const trust = trustIn([], [device.fingerprint]);
  const ours = await startDtls(t, { keys: [ownRawPublicKey(own.privateKey)], trust, server: {} });
  const { files } = device;
  const identify = ["--rawpkfile", files.public, "--rawpkkeyfile", files.private, "--no-ca-verification"];
  const theirs = client(t, ours.port, ...identify, "--priority", RAW);
  theirs.say("it is I\n");
  await eventually(() => ours.text.includes("it is I"), `it said something ${theirs.said}`);
  assert.deepEqual(ours.heard[0]?.peer.identity, { kind: "raw-public-key", fingerprint: device.fingerprint });
});

test("raw public keys of both: gnutls-serv", gnutls, async (t) => {
  const folder = folderOf(t);
  const [own, theirKey] = [rawKey(folder, "own"), rawKey(folder, "theirs")];
  const { files } = theirKey;
  const identify = ["--rawpkfile", files.public, "--rawpkkeyfile", files.private, "--require-client-cert"];
  const theirs = await server(t, ...identify, "--priority", RAW);
  const ours = await startDtls(t, {
    keys: [ownRawPublicKey(own.privateKey)],
    trust: trustIn([], [theirKey.fingerprint]),
    client: () => ({}),
  });
  const peer = await ours.transport.connect({ address: "127.0.0.1", port: theirs.port });
  assert.deepEqual(peer.identity, { kind: "raw-public-key", fingerprint: theirKey.fingerprint });
  ours.transport.send(Buffer.from("how much?\n"), peer);
  await eventually(() => ours.text.includes("how much?"), "it said the same");
});
