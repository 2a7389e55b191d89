import { type Der, elements, oid, sequence } from "./der.js";

/** What of a certificate Node does not tell, or tells only as text that is made for people. */
export interface CertificateFacts {
  /** Signed with ECDSA and SHA-256, SHA-384 or SHA-512. */
  readonly ecdsa: boolean;
  readonly commonName: string | undefined;
  /** DNS names and URIs of the subject alternative names. */
  readonly alternativeNames: readonly string[];
  /** Of the basic constraints: Infinity where there is no limit; undefined where it is no authority. */
  readonly pathLength: number | undefined;
  /** The bits of the key usage, the first as 0x80; undefined where there is none. */
  readonly keyUsage: number | undefined;
  /** The purposes, as OIDs in hexadecimal; undefined where there is no such extension. */
  readonly purposes: readonly string[] | undefined;
  /** It has a critical extension that is not looked at here (RFC 5280 4.2: to be refused). */
  readonly unknownCritical: boolean;
}

/** RFC 5280 4.2.1.3. */
export const DIGITAL_SIGNATURE = 0x80;
/** id-kp-serverAuth, id-kp-clientAuth, anyExtendedKeyUsage (RFC 5280 4.2.1.12). */
export const SERVER_AUTH = "2b06010505070301";
export const CLIENT_AUTH = "2b06010505070302";
export const ANY_PURPOSE = "551d2500";

const ECDSA = ["2a8648ce3d040302", "2a8648ce3d040303", "2a8648ce3d040304"];
const COMMON_NAME = "550403";
const KEY_USAGE = "551d0f";
const ALTERNATIVE_NAMES = "551d11";
const BASIC_CONSTRAINTS = "551d13";
const PURPOSES = "551d25";
/** UTF8String, PrintableString, IA5String. The others of a name are of the last century. */
const TEXTS = [0x0c, 0x13, 0x16];
const DNS_NAME = 0x82;
const URI = 0x86;
/** [3] of a TBSCertificate. */
const EXTENSIONS = 0xa3;
const OCTET_STRING = 0x04;
const BOOLEAN = 0x01;

/** Reads a certificate (RFC 5280 4.1). Throws RangeError or TypeError where it is none. */
export function certificateFacts(certificate: Uint8Array): CertificateFacts {
  const [tbs, algorithm] = sequence(certificate);
  if (tbs === undefined || algorithm === undefined) throw new RangeError("a certificate without its parts");
  const fields = elements(tbs.content);
  // Before version 2 the version is left out.
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (subject === undefined) throw new RangeError("a certificate without a subject");
  const extensions = readExtensions(fields.find(({ tag }) => tag === EXTENSIONS));
  const constraints = extensions.known.get(BASIC_CONSTRAINTS);
  const usage = extensions.known.get(KEY_USAGE);
  const names = extensions.known.get(ALTERNATIVE_NAMES);
  const purposes = extensions.known.get(PURPOSES);
  return {
    ecdsa: ECDSA.includes(oid(elements(algorithm.content)[0])),
    commonName: commonName(subject),
    alternativeNames: names === undefined ? [] : alternativeNames(names),
    pathLength: constraints === undefined ? undefined : pathLength(constraints),
    // BIT STRING: the number of unused bits, then the bits.
    keyUsage: usage === undefined ? undefined : (elements(usage)[0]?.content[1] ?? 0),
    purposes: purposes === undefined ? undefined : sequence(purposes).map(oid),
    unknownCritical: extensions.unknownCritical,
  };
}

function readExtensions(field: Der | undefined): { known: ReadonlyMap<string, Uint8Array>; unknownCritical: boolean } {
  const known = new Map<string, Uint8Array>();
  let unknownCritical = false;
  for (const extension of field === undefined ? [] : sequence(field.content)) {
    const parts = elements(extension.content);
    const id = oid(parts[0]);
    const critical = parts[1]?.tag === BOOLEAN && parts[1].content[0] !== 0;
    const value = parts.at(-1);
    if (value?.tag !== OCTET_STRING) throw new RangeError("an extension without a value");
    if (known.has(id)) throw new RangeError("an extension twice [RFC 5280 4.2]");
    if (critical && ![BASIC_CONSTRAINTS, KEY_USAGE, ALTERNATIVE_NAMES, PURPOSES].includes(id)) unknownCritical = true;
    known.set(id, value.content);
  }
  return { known, unknownCritical };
}

function pathLength(constraints: Uint8Array): number | undefined {
  const [first, second] = sequence(constraints);
  if (first?.tag !== BOOLEAN || first.content[0] === 0) return undefined;
  if (second === undefined) return Number.POSITIVE_INFINITY;
  // One that is longer than a byte is no limit for any chain that is accepted; a negative one is nonsense.
  if (second.tag !== 0x02 || (second.content[0] ?? 0x80) >= 0x80) throw new RangeError("a bad path length");
  return second.content.length === 1 ? (second.content[0] ?? 0) : Number.POSITIVE_INFINITY;
}

/** The last, which is the most specific one. */
function commonName(subject: Der): string | undefined {
  let name: string | undefined;
  for (const set of elements(subject.content)) {
    for (const attribute of elements(set.content)) {
      const [type, value] = elements(attribute.content);
      if (oid(type) === COMMON_NAME && value !== undefined && TEXTS.includes(value.tag)) name = text(value.content);
    }
  }
  return name;
}

function alternativeNames(value: Uint8Array): string[] {
  return sequence(value)
    .filter(({ tag }) => tag === DNS_NAME || tag === URI)
    .map(({ content }) => text(content));
}

/** UTF-8 without control characters: a name with U+0000 in it is an old attack. */
function text(bytes: Uint8Array): string {
  const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  if (/[\u0000-\u001f\u007f]/.test(decoded)) throw new RangeError("a control character in a name");
  return decoded;
}
