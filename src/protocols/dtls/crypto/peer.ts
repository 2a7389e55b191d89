import { createHash, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { PeerIdentity } from "../../datagram/index.js";
import { DtlsError } from "../errors.js";
import type { Trust } from "./credentials.js";
import type { Side } from "./secrets.js";
import { curveOf } from "./signature.js";
import {
  ANY_PURPOSE,
  type CertificateFacts,
  CLIENT_AUTH,
  certificateFacts,
  DIGITAL_SIGNATURE,
  SERVER_AUTH,
} from "./x509.js";

/** Whoever has the key is this peer: a signature with it must still prove that. */
export interface CheckedPeer {
  readonly identity: PeerIdentity;
  readonly publicKey: KeyObject;
}

/** Signatures to check are work: no real chain is longer. */
const MAX_CHAIN = 8;

/**
 * A peer's chain as it came, its own certificate first, each certified by the next (RFC 5246 7.4.2), the last one or the one
 * before it by an authority of ours. `side`: what the peer is. `wall`: ms since 1970. `name`: the DNS name or address that the certificate of a
 * server must have. Revocation is not looked at. Throws DtlsError, its code the alert to answer with.
 */
export function checkChain(
  chain: readonly Uint8Array[],
  trust: Trust,
  side: Side,
  wall: number,
  name?: string,
): CheckedPeer {
  if (chain.length === 0 || chain.length > MAX_CHAIN) throw new DtlsError("BAD_CERTIFICATE", "no chain, or a long one");
  const links = chain.map(readCertificate);
  const [leaf] = links;
  if (leaf === undefined) throw new DtlsError("BAD_CERTIFICATE", "no certificate");
  checkLeaf(leaf);
  const anchored = links.findIndex((link, depth) => {
    checkLink(link, side, wall);
    if (depth > 0) checkIssuer(link, depth);
    if (depth > 0 && !isIssuedBy(links[depth - 1], link)) throw new DtlsError("UNKNOWN_CA", "a chain that is broken");
    return isTrusted(link, depth, trust, side, wall);
  });
  if (anchored < 0) throw new DtlsError("UNKNOWN_CA", "no authority of ours signed it");
  if (name !== undefined && !hasName(leaf, name))
    throw new DtlsError("BAD_CERTIFICATE", `it is not of the name ${name}`);
  const { commonName, alternativeNames } = leaf.facts;
  const names = new Set(commonName === undefined ? alternativeNames : [commonName, ...alternativeNames]);
  const identity: PeerIdentity = {
    kind: "certificate",
    names: [...names],
    fingerprint: fingerprint(leaf.certificate.raw),
  };
  return { identity, publicKey: leaf.key };
}

/** A peer's SubjectPublicKeyInfo (RFC 7250 3). Throws DtlsError, its code the alert to answer with. */
export function checkRawPublicKey(spki: Uint8Array, trust: Trust): CheckedPeer {
  const print = fingerprint(spki);
  if (!trust.rawPublicKeys.has(print)) throw new DtlsError("CERTIFICATE_UNKNOWN", "a raw public key that is not known");
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw new DtlsError("BAD_CERTIFICATE", "a raw public key that cannot be read", { cause });
  }
  if (curveOf(publicKey) === undefined) throw new DtlsError("UNSUPPORTED_CERTIFICATE", "a key of another curve");
  return { identity: { kind: "raw-public-key", fingerprint: print }, publicKey };
}

interface Link {
  readonly certificate: X509Certificate;
  readonly facts: CertificateFacts;
  readonly key: KeyObject;
}

function readCertificate(der: Uint8Array): Link {
  let link: Link;
  try {
    const certificate = new X509Certificate(der);
    link = { certificate, facts: certificateFacts(der), key: certificate.publicKey };
  } catch (cause) {
    throw new DtlsError("BAD_CERTIFICATE", "a certificate that cannot be read", { cause });
  }
  if (curveOf(link.key) === undefined) throw new DtlsError("UNSUPPORTED_CERTIFICATE", "a key of another curve");
  return link;
}

/**
 * What holds for every certificate of the chain. Also an authority with purposes has no others to give, as OpenSSL and all browsers have it: one for
 * web servers makes no devices.
 */
function checkLink({ certificate, facts }: Link, side: Side, wall: number): void {
  const { purposes } = facts;
  const purpose = side === "server" ? SERVER_AUTH : CLIENT_AUTH;
  const serves = purposes === undefined || purposes.includes(purpose) || purposes.includes(ANY_PURPOSE);
  if (!serves) throw new DtlsError("UNSUPPORTED_CERTIFICATE", "a certificate for another purpose");
  if (facts.unknownCritical) throw new DtlsError("UNSUPPORTED_CERTIFICATE", "a critical extension that is not known");
  if (!facts.ecdsa)
    throw new DtlsError("UNSUPPORTED_CERTIFICATE", "a certificate that is not signed with ECDSA and SHA-2");
  if (!isValidAt(certificate, wall)) throw new DtlsError("CERTIFICATE_EXPIRED", "a certificate outside its time");
}

function checkLeaf({ facts: { keyUsage } }: Link): void {
  const signs = keyUsage === undefined || (keyUsage & DIGITAL_SIGNATURE) !== 0;
  if (!signs) throw new DtlsError("UNSUPPORTED_CERTIFICATE", "a certificate for another purpose");
}

/**
 * `depth`: how many certificates are below it, the peer's own included (RFC 5280 6.1.4 k to m). That its key usage allows it to sign certificates is
 * looked at by `checkIssued` of Node.
 */
function checkIssuer({ facts: { pathLength } }: Link, depth: number): void {
  if (pathLength === undefined) throw new DtlsError("BAD_CERTIFICATE", "signed by what is no authority");
  if (depth - 1 > pathLength) throw new DtlsError("BAD_CERTIFICATE", "a chain longer than its authority allows");
}

/**
 * It is one of our authorities itself, or one of them signed it. Throws where only such ones did that may not: of an authority that was renewed with its
 * key, the certificate before may still be there.
 */
function isTrusted({ certificate }: Link, depth: number, trust: Trust, side: Side, wall: number): boolean {
  let fault: unknown;
  for (const authority of trust.authorities) {
    if (authority.raw.equals(certificate.raw)) return true;
    const key = authority.publicKey;
    if (!isIssuedBy({ certificate }, { certificate: authority, key })) continue;
    try {
      const facts = { ...certificateFacts(authority.raw), ecdsa: true };
      checkLink({ certificate: authority, facts, key }, side, wall);
      checkIssuer({ certificate: authority, facts, key }, depth + 1);
      return true;
    } catch (error) {
      fault ??= error;
    }
  }
  if (fault !== undefined) throw fault;
  return false;
}

function isIssuedBy(below: Pick<Link, "certificate"> | undefined, above: Pick<Link, "certificate" | "key">): boolean {
  if (below === undefined) return false;
  try {
    return below.certificate.checkIssued(above.certificate) && below.certificate.verify(above.key);
  } catch {
    return false;
  }
}

function hasName({ certificate }: Link, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

function isValidAt({ validFrom, validTo }: X509Certificate, wall: number): boolean {
  return wall >= Date.parse(validFrom) && wall <= Date.parse(validTo);
}

function fingerprint(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}
