import {
  GROUPS,
  type Group,
  groupOf,
  type OwnKey,
  type SignatureScheme,
  type Suite,
  sameBytes,
  schemeFor,
} from "../crypto/index.js";
import { curveOf } from "../crypto/signature.js";
import { DtlsError } from "../errors.js";
import type { ServerOptions, ServerPsk } from "../options.js";
import { MAX_PLAINTEXT } from "../record/index.js";
import type { Session } from "../session.js";
import { CERTIFICATE_TYPES, type Extensions, FRAGMENT_LENGTHS } from "./extensions.js";
import type { ClientHello } from "./messages/client-hello.js";
import { certificateTypeOf, checkableTypes } from "./peer-certificate.js";
import { pskDigest } from "./secrets.js";

/** What a server takes of what a client offers. */
export interface Choice {
  readonly suite: Suite;
  /** For the ephemeral keys of ECDHE. */
  readonly group: { readonly name: Group; readonly id: number } | undefined;
  /** ECDHE_ECDSA: what we prove who we are with, and how. */
  readonly key: OwnKey | undefined;
  readonly scheme: SignatureScheme | undefined;
  /** Of the certificate that the client is asked for; undefined: it is not. */
  readonly clientCertificateType: number | undefined;
}

const UNCOMPRESSED = 0;
const GROUP_OF_CURVE = { prime256v1: GROUPS.secp256r1, secp384r1: GROUPS.secp384r1 } as const;

/** The first suite of ours that the client has too and that both have credentials and parameters for. Throws DtlsError. */
export function choose(hello: ClientHello, options: ServerOptions): Choice {
  const group = chooseGroup(hello);
  const signing = chooseKey(hello, options.keys);
  const suite = options.suites.find(({ id, keyExchange }) => {
    if (!hello.suites.includes(id)) return false;
    if (keyExchange !== "psk" && group === undefined) return false;
    return keyExchange === "ecdhe_ecdsa" ? signing !== undefined : options.psk !== undefined;
  });
  if (suite === undefined) throw new DtlsError("HANDSHAKE_FAILURE", "no cipher suite in common");
  const certificates = suite.keyExchange === "ecdhe_ecdsa";
  return {
    suite,
    group: suite.keyExchange === "psk" ? undefined : group,
    key: certificates ? signing?.key : undefined,
    scheme: certificates ? signing?.scheme : undefined,
    clientCertificateType: certificates ? clientCertificateType(hello, options) : undefined,
  };
}

/** A client that names no groups leaves it to us (RFC 8422 4): P-256 is what every one has (RFC 7925 4.4). */
function chooseGroup({ extensions }: ClientHello): Choice["group"] {
  const { groups = [GROUPS.secp256r1], pointFormats } = extensions;
  // RFC 8422 5.1.2: the only format that there still is.
  if (pointFormats !== undefined && !pointFormats.includes(UNCOMPRESSED)) return undefined;
  const id = Object.values(GROUPS).find((group) => groups.includes(group));
  const name = id === undefined ? undefined : groupOf(id);
  return id === undefined || name === undefined ? undefined : { name, id };
}

/** In the order of the client, which names the types that it likes best first (RFC 7250 4.1). */
function chooseKey(
  { extensions }: ClientHello,
  keys: readonly OwnKey[],
): { key: OwnKey; scheme: SignatureScheme } | undefined {
  const { serverCertificateTypes = [CERTIFICATE_TYPES.x509], signatureSchemes = [], groups } = extensions;
  for (const type of serverCertificateTypes) {
    for (const key of keys) {
      const curve = curveOf(key.privateKey);
      const scheme = schemeFor(key.privateKey, signatureSchemes);
      if (certificateTypeOf(key) !== type || curve === undefined || scheme === undefined) continue;
      // The groups of the client are also those of the keys that it can check (RFC 8422 5.1.1).
      if (groups === undefined || groups.includes(GROUP_OF_CURVE[curve])) return { key, scheme };
    }
  }
  return undefined;
}

function clientCertificateType({ extensions }: ClientHello, options: ServerOptions): number | undefined {
  if (options.clientCertificate === "none") return undefined;
  const ours = checkableTypes(options.trust);
  const { clientCertificateTypes = [CERTIFICATE_TYPES.x509] } = extensions;
  const type = clientCertificateTypes.find((theirs) => ours.includes(theirs));
  if (type === undefined && options.clientCertificate === "required") {
    throw new DtlsError("UNSUPPORTED_CERTIFICATE", "no type of client certificate in common [RFC 7250 4.2]");
  }
  return type;
}

/** What a server hello has of the client's extensions, and only of those (RFC 5246 7.4.1.4). `choice`: undefined on resumption. */
export function agreeOnExtensions(
  { extensions }: ClientHello,
  suite: Suite,
  choice: Choice | undefined,
  cid: Uint8Array | undefined,
): Extensions {
  const { maxFragmentLength, pointFormats, clientCertificateTypes, serverCertificateTypes } = extensions;
  const { key, clientCertificateType: clientType } = choice ?? {};
  return {
    ...(maxFragmentLength === undefined ? {} : { maxFragmentLength }),
    ...(pointFormats === undefined || suite.keyExchange === "psk" ? {} : { pointFormats: [UNCOMPRESSED] }),
    ...(clientCertificateTypes === undefined || clientType === undefined
      ? {}
      : { clientCertificateTypes: [clientType] }),
    ...(serverCertificateTypes === undefined || key === undefined
      ? {}
      : { serverCertificateTypes: [certificateTypeOf(key)] }),
    ...(extensions.extendedMasterSecret === undefined ? {} : { extendedMasterSecret: true }),
    ...(extensions.connectionId === undefined || cid === undefined ? {} : { connectionId: cid }),
  };
}

/** Bytes of a record that the client takes (RFC 6066 4). */
export function plaintextLimit({ extensions }: ClientHello): number {
  return FRAGMENT_LENGTHS[extensions.maxFragmentLength ?? 0] ?? MAX_PLAINTEXT;
}

/** The session that the client names, if it may still go on. Throws DtlsError where the hello gives reason to distrust it. */
export function resumable(hello: ClientHello, options: ServerOptions): Session | undefined {
  const session = hello.sessionId.length === 0 ? undefined : options.resume?.(hello.sessionId);
  if (session === undefined) return undefined;
  const { suite } = session;
  if (!hello.suites.includes(suite.id) || !options.suites.includes(suite)) return undefined;
  if (session.validUntil < options.wall || !keyIsStillThere(session, options)) return undefined;
  // All sessions that are kept have it: who resumes one without is somebody in the middle (RFC 7627 5.3).
  if (hello.extensions.extendedMasterSecret !== true) {
    throw new DtlsError("HANDSHAKE_FAILURE", "a session that was made with an extended master secret");
  }
  return session;
}

/** Identities are taken away, keys are changed: a session must not outlive either. */
function keyIsStillThere(
  { identity, pskDigest: digest }: Session,
  { psk, trust, clientCertificate }: ServerOptions,
): boolean {
  switch (identity?.kind) {
    case "psk":
      return holdsKey(psk, identity.identity, digest);
    case "raw-public-key":
      return trust?.rawPublicKeys.has(identity.fingerprint) === true;
    case "certificate":
      return trust !== undefined;
    case undefined:
      return clientCertificate !== "required";
  }
}

/** Whether the key of an identity is still the one with this digest. */
export function holdsKey(
  psk: Pick<ServerPsk, "lookup"> | undefined,
  identity: string,
  digest: Buffer | undefined,
): boolean {
  const key = psk?.lookup(identity);
  return key !== undefined && digest !== undefined && sameBytes(pskDigest(key), digest);
}
