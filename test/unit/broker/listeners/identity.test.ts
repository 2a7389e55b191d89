import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { alternativeNames, identityOf } from "../../../../src/broker/listeners/tls/identity.js";
import { makeAuthority } from "../../../support/certificates.js";
import { needs } from "../../../support/peers.js";

test("who a certificate says that a client is", needs("openssl"), (t) => {
  const authority = makeAuthority(t);
  const names = "DNS:press.example,DNS:second.example,URI:urn:dev:7,email:a@b.example";
  const certificate = new X509Certificate(readFileSync(authority.issue("press-7", 1, names).cert));
  assert.equal(identityOf(certificate, "cn"), "press-7");
  assert.equal(identityOf(certificate, "san-dns"), "press.example");
  assert.equal(identityOf(certificate, "san-uri"), "urn:dev:7");
  assert.equal(identityOf(certificate, "san-email"), "a@b.example");
  assert.equal(identityOf(certificate, "none"), undefined);
  assert.equal(identityOf(certificate, "fingerprint"), certificate.fingerprint256.replaceAll(":", "").toLowerCase());
});

test("of several common names none is taken: which one counts would be a guess", needs("openssl"), (t) => {
  // openssl's -subj takes each /CN as another one.
  const { cert } = makeAuthority(t).issue("admin", 1, "DNS:a");
  const several = makeAuthority(t).issue("other/CN=admin", 1, "DNS:a");
  assert.equal(identityOf(new X509Certificate(readFileSync(cert)), "cn"), "admin");
  assert.equal(identityOf(new X509Certificate(readFileSync(several.cert)), "cn"), undefined);
});

test("alternative names as Node writes them", () => {
  assert.deepEqual(alternativeNames('DNS:"a, DNS:admin", URI:b'), [
    { kind: "DNS", name: "a, DNS:admin" },
    { kind: "URI", name: "b" },
  ]);
  assert.deepEqual(alternativeNames("DNS:a, IP Address:10.0.0.1"), [
    { kind: "DNS", name: "a" },
    { kind: "IP Address", name: "10.0.0.1" },
  ]);
  for (const text of ["", "DNS", 'DNS:"a, DNS:b', "DNS:a,DNS:b"]) assert.deepEqual(alternativeNames(text), [], text);
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(alternativeNames(text))));
});
