import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { DtlsError } from "../errors.js";
import { curveOf } from "./signature.js";

/** How we prove who we are: with a certificate, or with a key alone (RFC 7250). */
export interface OwnKey {
  readonly kind: "certificate" | "raw-public-key";
  /** What the Certificate message carries: the chain in DER, ours first; or our SubjectPublicKeyInfo alone. */
  readonly message: readonly Uint8Array[];
  readonly privateKey: KeyObject;
}

/** Whom we believe. */
export interface Trust {
  readonly authorities: readonly X509Certificate[];
  /** SHA-256 of SubjectPublicKeyInfos, in lower-case hexadecimal. */
  readonly rawPublicKeys: ReadonlySet<string>;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** `chain`: PEM, ours first, then what leads to an authority. Throws DtlsError OPTIONS where nobody could use it. */
export function ownCertificate(chain: string, key: string | KeyObject): OwnKey {
  const certificates = pemCertificates(chain);
  const privateKey = ownPrivateKey(key);
  if (certificates[0]?.checkPrivateKey(privateKey) !== true) {
    throw new DtlsError("OPTIONS", "the key is not that of the certificate");
  }
  return { kind: "certificate", message: certificates.map(({ raw }) => raw), privateKey };
}

export function ownRawPublicKey(key: string | KeyObject): OwnKey {
  const privateKey = ownPrivateKey(key);
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { kind: "raw-public-key", message: [spki], privateKey };
}

/** `ca`: PEM texts with any number of certificates each. `rawPublicKeys`: fingerprints, with or without colons. */
export function trustIn(ca: readonly string[], rawPublicKeys: Iterable<string> = []): Trust {
  const fingerprints = Array.from(rawPublicKeys, (text) => text.replaceAll(":", "").toLowerCase());
  const bad = fingerprints.find((text) => !/^[0-9a-f]{64}$/.test(text));
  if (bad !== undefined) throw new DtlsError("OPTIONS", `no SHA-256 fingerprint in hexadecimal: ${bad}`);
  return { authorities: ca.flatMap(pemCertificates), rawPublicKeys: new Set(fingerprints) };
}

function pemCertificates(pem: string): X509Certificate[] {
  const texts = pem.match(PEM_CERTIFICATE);
  if (texts === null) throw new DtlsError("OPTIONS", "no certificate in PEM");
  return texts.map((text) => {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(text);
    } catch (cause) {
      throw new DtlsError("OPTIONS", "a certificate that cannot be read", { cause });
    }
    if (curveOf(certificate.publicKey) === undefined) throw onlyCurves();
    return certificate;
  });
}

function ownPrivateKey(key: string | KeyObject): KeyObject {
  let privateKey: KeyObject;
  try {
    privateKey = typeof key === "string" ? createPrivateKey(key) : key;
  } catch {
    // Without the cause: it might quote the key.
    throw new DtlsError("OPTIONS", "a private key that cannot be read");
  }
  if (privateKey.type !== "private" || curveOf(privateKey) === undefined) throw onlyCurves();
  return privateKey;
}

function onlyCurves(): DtlsError {
  return new DtlsError("OPTIONS", "only EC keys of the curves P-256 and P-384 can be used");
}
