import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type DtlsOptions, ownCertificate, SUITES, trustIn } from "../../src/protocols/dtls/index.js";
import { makeAuthority } from "../support/certificates.js";
import { startDialogue } from "../support/dialogue.js";
import { IDENTITY, KEY, key, PSK, startDtls } from "../support/dtls.js";
import { eventually } from "../support/eventually.js";
import { needs } from "../support/peers.js";
import { freeUdpPort } from "../support/ports.js";

const openssl = needs("openssl");
const PSK_CIPHERS = {
  PSK_WITH_AES_128_CCM_8: "PSK-AES128-CCM8",
  PSK_WITH_AES_128_CCM: "PSK-AES128-CCM",
  PSK_WITH_AES_256_CCM_8: "PSK-AES256-CCM8",
  PSK_WITH_AES_256_CCM: "PSK-AES256-CCM",
  PSK_WITH_AES_128_GCM_SHA256: "PSK-AES128-GCM-SHA256",
  PSK_WITH_AES_256_GCM_SHA384: "PSK-AES256-GCM-SHA384",
};
const ECDSA_CIPHERS = {
  ECDHE_ECDSA_WITH_AES_128_CCM_8: "ECDHE-ECDSA-AES128-CCM8",
  ECDHE_ECDSA_WITH_AES_128_CCM: "ECDHE-ECDSA-AES128-CCM",
  ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
};
const psk = (identity = IDENTITY, secret = KEY): string[] => ["-psk_identity", identity, "-psk", secret];
const text = (path: string): string => readFileSync(path, "utf8");

/** `openssl s_client`, which says what it is told to over DTLS. */
function client(t: TestContext, port: number, ...args: string[]) {
  return startDialogue(t, "openssl", ["s_client", "-dtls1_2", "-connect", `127.0.0.1:${port}`, ...args]);
}

/** `openssl s_server`, once it listens. Without -listen it answers no hello with a cookie, which clients must get along with. */
async function server(t: TestContext, ...args: string[]) {
  const port = await freeUdpPort();
  const dialogue = startDialogue(t, "openssl", ["s_server", "-dtls1_2", "-accept", `127.0.0.1:${port}`, ...args]);
  await dialogue.hears("ACCEPT");
  return Object.assign(dialogue, { port });
}

for (const [suite, cipher] of Object.entries(PSK_CIPHERS)) {
  test(`s_client with ${suite}`, openssl, async (t) => {
    const ours = await startDtls(t, PSK, (bytes) => Buffer.from(bytes.toString().toUpperCase()));
    const theirs = client(t, ours.port, ...psk(), "-cipher", cipher);
    theirs.say("how much?\n");
    await theirs.hears("HOW MUCH?");
    await theirs.hears("Extended master secret: yes");
    assert.deepEqual(ours.heard[0]?.peer.identity, { kind: "psk", identity: IDENTITY });
    theirs.say("Q\n");
    await eventually(() => ours.gone.length === 1, "it said goodbye");
    assert.equal(ours.gone[0]?.reason, "peer_closed");
  });

  test(`s_server with ${suite}`, openssl, async (t) => {
    const theirs = await server(t, "-nocert", "-psk", KEY, "-cipher", cipher);
    const suites = SUITES.filter(({ name }) => name === suite);
    const ours = await startDtls(t, { suites, client: () => ({ psk: { identity: IDENTITY, key: key() } }) });
    const peer = await ours.transport.connect({ address: "127.0.0.1", port: theirs.port });
    ours.transport.send(Buffer.from("how much?\n"), peer);
    await theirs.hears("how much?");
    theirs.say("this much\n");
    await eventually(() => ours.text.includes("this much"), "its answer came");
    ours.transport.disconnect(peer);
    await theirs.hears("ERROR|DONE|shutdown|CONNECTION CLOSED");
  });
}

test("s_client with a wrong key, and with an identity that there is not", openssl, async (t) => {
  for (const wrong of [psk(IDENTITY, KEY.replace("0", "1")), psk("nobody")]) {
    const ours = await startDtls(t, PSK);
    const theirs = client(t, ours.port, ...wrong, "-cipher", "PSK-AES128-CCM8");
    const { counters } = ours.transport;
    await eventually(() => counters.records.forged > 0, "its Finished was refused");
    assert.equal(counters.opened, 0);
    await theirs.end();
  }
});

function certificates(t: TestContext) {
  const authority = makeAuthority(t);
  const [server, device] = [authority.issue("gateway", 1, "DNS:gateway,IP:127.0.0.1"), authority.issue("press-7", 2)];
  const ca = text(authority.ca);
  return { authority, server, device, ca, key: ownCertificate(text(server.cert) + ca, text(server.key)) };
}

for (const [suite, cipher] of Object.entries(ECDSA_CIPHERS)) {
  test(`certificates of both: s_client with ${suite}`, openssl, async (t) => {
    const { authority, device, ca, key } = certificates(t);
    const ours = await startDtls(t, { keys: [key], trust: trustIn([ca]), server: {} });
    const identify = ["-cert", device.cert, "-key", device.key, "-CAfile", authority.ca, "-verify_return_error"];
    const theirs = client(t, ours.port, ...identify, "-cipher", `${cipher}:@SECLEVEL=0`);
    theirs.say("how much?\n");
    await eventually(() => ours.text.includes("how much?"), "it said something");
    const fingerprint = createHash("sha256")
      .update(new X509Certificate(text(device.cert)).raw)
      .digest("hex");
    assert.deepEqual(ours.heard[0]?.peer.identity, { kind: "certificate", names: ["press-7"], fingerprint });
    await theirs.hears("Verify return code: 0");
  });

  test(`certificates of both: s_server with ${suite}`, openssl, async (t) => {
    const { authority, server: own, device, ca } = certificates(t);
    const asked = ["-cert", own.cert, "-key", own.key, "-CAfile", authority.ca, "-Verify", "2", "-verify_return_error"];
    const theirs = await server(t, ...asked, "-cipher", `${cipher}:@SECLEVEL=0`);
    const ours = await startDtls(t, {
      suites: SUITES.filter(({ name }) => name === suite),
      keys: [ownCertificate(text(device.cert), text(device.key))],
      trust: trustIn([ca]),
      client: () => ({ serverName: "gateway" }),
    });
    const peer = await ours.transport.connect({ address: "127.0.0.1", port: theirs.port });
    assert.deepEqual(peer.identity?.kind === "certificate" && peer.identity.names, ["gateway"]);
    ours.transport.send(Buffer.from("how much?\n"), peer);
    await theirs.hears("how much?");
  });
}

test("a client without a certificate, where one is required and where it is not", openssl, async (t) => {
  const { ca, key } = certificates(t);
  const common: DtlsOptions = { keys: [key], trust: trustIn([ca]) };
  const strict = await startDtls(t, { ...common, server: {} });
  const refused = client(t, strict.port);
  await refused.hears("handshake failure");
  assert.equal(strict.transport.counters.failed.refused, 1);
  for (const clientCertificate of ["optional", "none"] as const) {
    const ours = await startDtls(t, { ...common, server: { clientCertificate } });
    client(t, ours.port).say("it is I\n");
    await eventually(() => ours.text.includes("it is I"), "it said something");
    assert.equal(ours.heard[0]?.peer.identity, undefined);
  }
});

test("a server of another authority, and of another name, is refused", openssl, async (t) => {
  const { server: own, ca } = certificates(t);
  const theirs = await server(t, "-cert", own.cert, "-key", own.key);
  const to = { address: "127.0.0.1", port: theirs.port };
  const stranger = await startDtls(t, { trust: trustIn([text(makeAuthority(t).ca)]), client: () => ({}) });
  await assert.rejects(stranger.transport.connect(to), { code: "REFUSED", message: /UNKNOWN_CA/ });
  const misled = await startDtls(t, { trust: trustIn([ca]), client: () => ({ serverName: "other" }) });
  await assert.rejects(misled.transport.connect(to), { code: "REFUSED", message: /BAD_CERTIFICATE/ });
});

test("flights in small pieces both ways", openssl, async (t) => {
  const { authority, server: own, device, ca, key } = certificates(t);
  const trust = trustIn([ca]);
  const ours = await startDtls(t, { keys: [key], trust, server: {}, mtu: 200 });
  const identify = ["-cert", device.cert, "-key", device.key, "-CAfile", authority.ca];
  client(t, ours.port, ...identify, "-mtu", "260").say("piece by piece\n");
  await eventually(() => ours.text.includes("piece by piece"), "the server had put them together");
  const theirs = await server(
    t,
    "-cert",
    own.cert,
    "-key",
    own.key,
    "-CAfile",
    authority.ca,
    "-Verify",
    "2",
    "-mtu",
    "260",
  );
  const client2 = await startDtls(t, {
    keys: [ownCertificate(text(device.cert), text(device.key))],
    trust,
    mtu: 200,
    client: () => ({}),
  });
  const peer = await client2.transport.connect({ address: "127.0.0.1", port: theirs.port });
  client2.transport.send(Buffer.from("and back\n"), peer);
  await theirs.hears("and back");
});

test("sessions are resumed: s_client", openssl, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-dtls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "session");
  const ours = await startDtls(t, PSK);
  const first = client(t, ours.port, ...psk(), "-no_ticket", "-cipher", "PSK-AES128-CCM8", "-sess_out", file);
  first.say("first\n");
  await eventually(() => ours.text.includes("first"), "it was there");
  first.say("Q\n");
  await eventually(() => ours.gone.length === 1 && existsSync(file), "it was gone");
  const second = client(t, ours.port, ...psk(), "-no_ticket", "-cipher", "PSK-AES128-CCM8", "-sess_in", file);
  second.say("second\n");
  await second.hears("Reused, TLSv1.2");
  await eventually(() => ours.text.includes("second"), "it was there again");
  assert.equal(ours.transport.counters.resumed, 1);
  assert.deepEqual(ours.heard[1]?.peer.identity, { kind: "psk", identity: IDENTITY });
});

test("sessions are resumed: s_server", openssl, async (t) => {
  const theirs = await server(t, "-nocert", "-no_ticket", "-psk", KEY, "-cipher", "PSK-AES128-GCM-SHA256");
  const ours = await startDtls(t, { client: () => ({ psk: { identity: IDENTITY, key: key() } }) });
  const to = { address: "127.0.0.1", port: theirs.port };
  ours.transport.disconnect(await ours.transport.connect(to));
  const again = await ours.transport.connect(to);
  assert.equal(ours.transport.counters.resumed, 1);
  ours.transport.send(Buffer.from("second\n"), again);
  await theirs.hears("second");
});
