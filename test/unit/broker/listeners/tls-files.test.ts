import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { readCertificates } from "../../../../src/broker/listeners/tls/certificates.js";
import { pemBlocks } from "../../../../src/broker/listeners/tls/files.js";
import { readMaterial } from "../../../../src/broker/listeners/tls/material.js";
import { readRevocationLists } from "../../../../src/broker/listeners/tls/revocation.js";
import type { ListenerTls } from "../../../../src/config/index.js";
import { WeirError } from "../../../../src/core/errors.js";
import { makeAuthority } from "../../../support/certificates.js";
import { needs } from "../../../support/peers.js";

const openssl = needs("openssl");

function files(t: TestContext): (name: string, text: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "weir-tls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
}

function tls(more: Partial<ListenerTls>): ListenerTls {
  return { clientCertificate: "none", identity: "cn", crl: [], ...more };
}

test("a file that cannot be used is named with the line, and why", openssl, async (t) => {
  const authority = makeAuthority(t);
  const { cert, key } = authority.issue("server", 1);
  const [certText, keyText] = [readFileSync(cert, "utf8"), readFileSync(key, "utf8")];
  const write = files(t);
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const cases: readonly (readonly [more: Partial<ListenerTls>, message: RegExp])[] = [
    [{ cert: "/nowhere.crt", key }, /^\/nowhere\.crt: cannot be read: ENOENT/],
    [{ cert: write("empty", ""), key }, /\/empty: has no certificate/],
    [{ cert: key, key }, /server\.key: has no certificate/],
    [{ cert, key: cert }, /server\.crt: has no private key/],
    [
      { cert: write("second", `${certText}# next\n${broken}`), key },
      new RegExp(`/second:${certText.split("\n").length + 1}: is no certificate: `),
    ],
    [{ cert: write("cut", certText.slice(0, -30)), key }, /\/cut:1: the CERTIFICATE has no END/],
    [
      { cert, key: write("other", readFileSync(makeAuthority(t).issue("x", 1).key, "utf8")) },
      /\/other: the key does not belong to the certificate in .*server\.crt$/,
    ],
    [
      { cert: write("order", readFileSync(authority.ca, "utf8") + certText), key },
      /\/order:\d+: the server's own certificate must be the first in the file/,
    ],
    [{ cert, key: write("enc", keyText.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")) }, /\/enc:1: is encrypted/],
    [
      { cert, key: write("bad", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n") },
      /\/bad:1: is no private key: /,
    ],
    [
      { cert, key, clientCertificate: "required", ca: authority.ca, crl: [cert] },
      /server\.crt: has no revocation list/,
    ],
    [
      {
        cert,
        key,
        ca: authority.ca,
        crl: [write("crl", "\n-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n")],
      },
      /\/crl:2: is no revocation list/,
    ],
    [
      { psk: write("psk", "# devices\na:00112233445566778899aabbccddeeff\nb:xyz\n") },
      /\/psk:3: the key is not hexadecimal/,
    ],
  ];
  for (const [more, message] of cases)
    await assert.rejects(readMaterial(tls(more)), (error) => {
      assert.ok(error instanceof WeirError && error.code === "CERTIFICATE_INVALID", String(error));
      assert.match(error.message, message);
      return true;
    });
});

test("sound files become what TLS takes, and any change shows", openssl, async (t) => {
  const authority = makeAuthority(t);
  const own = authority.issue("server", 1);
  const list = authority.revoke("list", [7]);
  const settings = tls({ ...own, chain: authority.ca, ca: authority.ca, clientCertificate: "required", crl: [list] });
  const material = await readMaterial(settings);
  assert.deepEqual(
    material.endings.map(({ what, file }) => [what, file]),
    [
      ["certificate", own.cert],
      ["certificate", authority.ca],
      ["crl", list],
    ],
  );
  for (const { at } of material.endings) assert.ok(Math.abs(at - Date.now() - 2 * 86_400_000) < 60_000);
  assert.equal((await readMaterial(settings)).fingerprint, material.fingerprint);
  const other = await readMaterial({ ...settings, crl: [authority.revoke("other", [8])] });
  assert.notEqual(other.fingerprint, material.fingerprint);
});

test("no text makes the readers throw anything but CERTIFICATE_INVALID", () => {
  const body = fc.oneof(fc.base64String({ maxLength: 200 }), fc.string({ maxLength: 100 }));
  const label = fc.constantFrom("CERTIFICATE", "X509 CRL", "PRIVATE KEY", "x");
  const pem = fc.tuple(label, body, label).map(([a, text, b]) => `-----BEGIN ${a}-----\n${text}\n-----END ${b}-----\n`);
  fc.assert(
    fc.property(fc.array(fc.oneof(pem, fc.string()), { maxLength: 4 }), (parts) => {
      for (const read of [pemBlocks, readCertificates, readRevocationLists]) {
        try {
          read("f", parts.join("\n"));
        } catch (error) {
          assert.ok(error instanceof WeirError && error.message.startsWith("f"), String(error));
        }
      }
    }),
  );
});
