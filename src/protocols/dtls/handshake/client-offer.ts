import { isIP } from "node:net";
import { GROUPS, SIGNATURE_SCHEMES, type Suite, sameBytes } from "../crypto/index.js";
import { DtlsError } from "../errors.js";
import type { ClientOptions } from "../options.js";
import { CERTIFICATE_TYPES, type Extensions } from "./extensions.js";
import { certificateTypeOf, checkableTypes } from "./peer-certificate.js";
import { pskDigest } from "./secrets.js";

const EMPTY = new Uint8Array(0);
const UNCOMPRESSED = 0;

/** Those that there are credentials for. Throws DtlsError OPTIONS where there are none. */
export function usableSuites({ suites, trust, psk }: ClientOptions): Suite[] {
  const usable = suites.filter(({ keyExchange }) =>
    keyExchange === "ecdhe_ecdsa" ? checkableTypes(trust).length > 0 : psk !== undefined,
  );
  if (usable.length === 0) throw new DtlsError("OPTIONS", "no credentials for any of the cipher suites");
  return usable;
}

/** A session goes on only with the credentials that made it. */
export function mayGoOn({ session, psk, wall }: ClientOptions, suites: readonly Suite[]): boolean {
  if (session === undefined || !suites.includes(session.suite) || session.validUntil < wall) return false;
  if (session.suite.keyExchange === "ecdhe_ecdsa") return true;
  return psk !== undefined && session.pskDigest !== undefined && sameBytes(pskDigest(psk.key), session.pskDigest);
}

export function offer({ trust, keys, cid, serverName }: ClientOptions, suites: readonly Suite[]): Extensions {
  const ecdhe = suites.some(({ keyExchange }) => keyExchange !== "psk");
  const certificates = suites.some(({ keyExchange }) => keyExchange === "ecdhe_ecdsa");
  const theirs = checkableTypes(trust);
  const ours = [...new Set(keys.map(certificateTypeOf))];
  const onlyX509 = (types: readonly number[]): boolean => types.every((type) => type === CERTIFICATE_TYPES.x509);
  return {
    // Literal addresses are not permitted (RFC 6066 3).
    ...(serverName === undefined || isIP(serverName) !== 0 ? {} : { serverName }),
    ...(ecdhe ? { groups: Object.values(GROUPS), pointFormats: [UNCOMPRESSED] } : {}),
    ...(certificates ? { signatureSchemes: Object.values(SIGNATURE_SCHEMES) } : {}),
    // X.509 alone is what goes without saying (RFC 7250 4.1).
    ...(certificates && !onlyX509(ours) ? { clientCertificateTypes: ours } : {}),
    ...(certificates && !onlyX509(theirs) ? { serverCertificateTypes: theirs } : {}),
    extendedMasterSecret: true,
    ...(cid === undefined ? {} : { connectionId: cid }),
    renegotiationInfo: EMPTY,
  };
}

/** What a server has chosen of a list of ours; X.509 where it says nothing. Throws DtlsError for what was not in it. */
export function chosen(answer: readonly number[] | undefined, offered: readonly number[] | undefined): number {
  const [type = CERTIFICATE_TYPES.x509] = answer ?? [];
  if (answer !== undefined && offered?.includes(type) !== true) {
    throw new DtlsError("ILLEGAL_PARAMETER", "a type of certificate that was not offered");
  }
  return type;
}
