import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ListenerTls } from "../../src/config/index.js";
import { makeAuthority } from "../support/certificates.js";
import { eventually } from "../support/eventually.js";
import { local, startListener } from "../support/listener.js";
import { needs } from "../support/peers.js";
import { run } from "../support/run.js";

const [KEY, OTHER] = ["00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"];
const openssl = needs("openssl");

function keyFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "weir-psk-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "keys");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

function keys(psk: string, more: Partial<ListenerTls> = {}) {
  return local("tls", { tls: { psk, clientCertificate: "none", identity: "cn", crl: [], ...more } as const });
}

/** `openssl s_client` that ends once it has shaken hands. */
function shake(port: number, identity: string, key: string, ...more: string[]) {
  const psk = ["-psk_identity", identity, "-psk", key];
  return run("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...psk, ...more], "Q\n");
}

test("mosquitto_pub with a pre-shared key, and a file that changes", needs("mosquitto_sub"), async (t) => {
  const file = keyFile(t, `# devices\n\npress-7:${KEY}\r\nlathe: ${OTHER.toUpperCase()}\n`);
  const listener = await startListener(t, keys(file));
  const publish = (identity: string, psk: string) => {
    const args = ["-h", "127.0.0.1", "-p", `${listener.port}`, "-t", "a", "-m", "x", "-q", "1"];
    return run("mosquitto_pub", [...args, "--psk", psk, "--psk-identity", identity]);
  };
  assert.deepEqual(await publish("press-7", KEY), { code: 0, said: "" });
  assert.deepEqual(await publish("lathe", OTHER), { code: 0, said: "" });
  assert.deepEqual(
    listener.peers.map(({ proven }) => proven),
    ["press-7", "lathe"],
  );
  assert.notEqual((await publish("press-7", OTHER)).code, 0);
  assert.notEqual((await publish("nobody", KEY)).code, 0);
  assert.deepEqual(listener.reasons(), ["tls", "tls"]);
  writeFileSync(file, `nobody:${KEY}\n`);
  await eventually(() => listener.entries.some(({ event }) => event === "listener_renewed"), "the file is read");
  assert.deepEqual(await publish("nobody", KEY), { code: 0, said: "" });
  assert.notEqual((await publish("press-7", KEY)).code, 0);
  writeFileSync(file, "nobody:12\n");
  await eventually(() => listener.entries.some(({ event }) => event === "listener_certificates"), "it is told");
  assert.deepEqual(await publish("nobody", KEY), { code: 0, said: "" });
});

test("every suite with pre-shared keys", openssl, async (t) => {
  const listener = await startListener(t, keys(keyFile(t, `a:${KEY}\n`)));
  const suites = [
    "ECDHE-PSK-CHACHA20-POLY1305",
    "DHE-PSK-AES256-GCM-SHA384",
    "PSK-AES128-GCM-SHA256",
    "PSK-CHACHA20-POLY1305",
    "PSK-AES256-GCM-SHA384",
  ];
  for (const suite of suites)
    assert.match(
      (await shake(listener.port, "a", KEY, "-tls1_2", "-cipher", suite)).said,
      new RegExp(`Cipher is ${suite}`),
    );
  // TLS 1.3 takes them too, with suites of SHA-256 alone.
  const sha256 = await shake(listener.port, "a", KEY, "-tls1_3");
  assert.match(sha256.said, /Reused, TLSv1\.3, Cipher is TLS_AES_128_GCM_SHA256/);
  assert.deepEqual(
    listener.peers.map(({ proven }) => proven),
    Array(6).fill("a"),
  );
  const sha384 = await shake(listener.port, "a", KEY, "-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384");
  assert.match(sha384.said, /New, \(NONE\)/);
});

test("an identity that is not there fails as one with a wrong key does", openssl, async (t) => {
  const listener = await startListener(t, keys(keyFile(t, `a:${KEY}\n`)));
  const alertOf = async (identity: string, version: string): Promise<string> => {
    const { said } = await shake(listener.port, identity, OTHER, version);
    return /SSL alert number \d+/.exec(said)?.[0] ?? said;
  };
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const wrong = await alertOf("a", version);
    assert.match(wrong, /^SSL alert number \d+$/);
    assert.equal(await alertOf("b", version), wrong, version);
  }
});

test("keys and certificates on one listener: only a key that was used proves", openssl, async (t) => {
  const authority = makeAuthority(t);
  const own = authority.issue("server", 1);
  const client = authority.issue("phone", 2);
  const listener = await startListener(
    t,
    keys(keyFile(t, `press-7:${KEY}\n`), { ...own, ca: authority.ca, clientCertificate: "optional" }),
  );
  const proven = async (...args: string[]): Promise<string | undefined> => {
    const before = listener.peers.length;
    const { said } = await run("openssl", ["s_client", "-connect", `127.0.0.1:${listener.port}`, ...args], "Q\n");
    assert.equal(listener.peers.length, before + 1, said);
    return listener.peers.at(-1)?.proven;
  };
  const psk = ["-psk_identity", "press-7", "-psk", KEY];
  const certificate = ["-cert", client.cert, "-key", client.key];
  assert.equal(await proven("-tls1_2", "-cipher", "PSK", ...psk), "press-7");
  assert.equal(await proven("-tls1_3", ...psk), "press-7");
  assert.equal(await proven("-tls1_3", ...certificate), "phone");
  assert.equal(await proven("-tls1_2", ...certificate), "phone");
  // It names an identity, and its key is not used: the suite has another hash. Whoever can do that need not know the key.
  const named = ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-psk_identity", "press-7", "-psk", OTHER];
  assert.equal(await proven(...named), undefined);
  assert.equal(await proven(...named, ...certificate), "phone");
  // One that is not there, offered beside a certificate.
  assert.equal(await proven("-tls1_3", "-psk_identity", "nobody", "-psk", OTHER, ...certificate), "phone");
});

for (const version of ["-tls1_2", "-tls1_3"]) {
  test(`no session is resumed where clients prove who they are (${version})`, openssl, async (t) => {
    const authority = makeAuthority(t);
    const client = authority.issue("phone", 2);
    const listener = await startListener(
      t,
      local("tls", {
        tls: {
          ...authority.issue("server", 1),
          ca: authority.ca,
          clientCertificate: "required",
          identity: "cn",
          crl: [],
        },
      } as const),
    );
    const session = join(mkdtempSync(join(tmpdir(), "weir-session-")), "session");
    t.after(() => rmSync(join(session, ".."), { recursive: true, force: true }));
    const connect = (...args: string[]) => {
      const own = ["-cert", client.cert, "-key", client.key, version];
      return run("openssl", ["s_client", "-connect", `127.0.0.1:${listener.port}`, ...own, ...args], "Q\n");
    };
    assert.match((await connect("-sess_out", session)).said, /^New, TLS/m);
    assert.match((await connect("-sess_in", session)).said, /^New, TLS|unable to load|Can't open session/im);
  });
}
