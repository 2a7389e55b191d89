import { invalid, pemBlocks } from "./files.js";

/** A certificate revocation list as OpenSSL wants it, and how long it is good for. */
export interface RevocationList {
  readonly pem: string;
  readonly line: number;
  /** ms since the epoch; undefined if it does not say. Afterwards every client of its authority is refused. */
  readonly nextUpdate: number | undefined;
}

/** All of a file, at least one. Throws CERTIFICATE_INVALID with the line. */
export function readRevocationLists(file: string, text: string): RevocationList[] {
  const blocks = pemBlocks(file, text).filter(({ label }) => label === "X509 CRL");
  if (blocks.length === 0) throw invalid(file, "has no revocation list (PEM: -----BEGIN X509 CRL-----)");
  return blocks.map(({ text: pem, line }) => {
    const der = Buffer.from(pem.replace(/-----[^\n]*-----/g, ""), "base64");
    const times = updateTimes(der);
    if (times === undefined) throw invalid(file, "is no revocation list", line);
    return { pem, line, nextUpdate: times.next };
  });
}

interface Element {
  readonly tag: number;
  readonly value: Buffer;
  readonly rest: Buffer;
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** `thisUpdate` and `nextUpdate` of a CertificateList (RFC 5280 5.1); undefined if it is none. */
function updateTimes(der: Buffer): { readonly next: number | undefined } | undefined {
  const list = element(der);
  const fields = list?.tag === SEQUENCE ? element(list.value) : undefined;
  if (fields?.tag !== SEQUENCE) return undefined;
  let at = element(fields.value);
  if (at?.tag === INTEGER) at = element(at.rest); // version
  if (at?.tag !== SEQUENCE) return undefined; // signature
  at = element(at.rest);
  if (at?.tag !== SEQUENCE) return undefined; // issuer
  at = element(at.rest);
  if (at === undefined || timeOf(at) === undefined) return undefined; // thisUpdate
  const next = element(at.rest);
  return { next: next === undefined ? undefined : timeOf(next) };
}

/** One DER element (X.690 8.1) with what follows it; undefined if the bytes do not hold it whole. */
function element(bytes: Buffer): Element | undefined {
  const [tag, short] = bytes;
  if (tag === undefined || short === undefined) return undefined;
  const more = short < 0x80 ? 0 : short & 0x7f;
  if (more > 4 || short === 0x80 || bytes.length < 2 + more) return undefined;
  const length = more === 0 ? short : bytes.readUIntBE(2, more);
  const end = 2 + more + length;
  return end > bytes.length ? undefined : { tag, value: bytes.subarray(2 + more, end), rest: bytes.subarray(end) };
}

/** RFC 5280 5.1.2.4: always with seconds and in GMT; two digits of a year are of 1950 to 2049. */
function timeOf({ tag, value }: Element): number | undefined {
  if (tag !== UTC_TIME && tag !== GENERALIZED_TIME) return undefined;
  const text = value.toString("latin1");
  const full = tag === UTC_TIME ? `${text < "5" ? "20" : "19"}${text}` : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? undefined : time;
}
