import { isIPv4, isIPv6 } from "node:net";

/**
 * The PROXY protocol, versions 1 and 2 (proxy-protocol.txt of HAProxy, 2020/03/05): what a proxy sends ahead of a connection to
 * say whose it is. Pure: bytes in, a verdict out, at any split of the stream.
 */
export type ProxyHeader =
  | { readonly state: "more" }
  | { readonly state: "bad"; readonly why: string }
  | {
      readonly state: "done";
      /** Bytes of the header; what follows is the client's. */
      readonly length: number;
      /** Undefined where the proxy speaks for itself (LOCAL), or does not say (UNKNOWN, UNSPEC, a Unix socket). */
      readonly source: { readonly address: string; readonly port: number } | undefined;
    };

/** 2.1: the longest line of version 1, with its CR LF. */
export const LONGEST_V1 = 107;
/** 2.2: a receiver takes 536 bytes at least; this leaves room for the certificates' names in TLVs. */
export const LONGEST_V2 = 4096;

const MORE: ProxyHeader = { state: "more" };
const V1 = Buffer.from("PROXY ");
const V2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_HEAD = 16;

/** Reads the header at the beginning of what came so far. Never asks for more than LONGEST_V2 bytes. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V2)) return bytes.length < V2_HEAD ? MORE : readV2(bytes);
  if (startsLike(bytes, V1)) return readV1(bytes);
  return bad("does not begin with a PROXY header");
}

function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LONGEST_V1).indexOf("\r\n");
  if (end < 0) return bytes.length >= LONGEST_V1 ? bad("is longer than 107 bytes") : MORE;
  const [, family, source = "", target = "", from = "", to = "", ...more] = bytes.toString("latin1", 0, end).split(" ");
  const length = end + 2;
  // What follows UNKNOWN on the line is to be ignored.
  if (family === "UNKNOWN") return { state: "done", length, source: undefined };
  const fits = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : () => false;
  const port = portOf(from);
  if (more.length > 0 || !fits(source) || !fits(target) || port === undefined || portOf(to) === undefined)
    return bad("is no line of version 1");
  return { state: "done", length, source: { address: source, port } };
}

/** A decimal number without leading zeros. */
function portOf(text: string): number | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : 65_536;
  return port < 65_536 ? port : undefined;
}

function readV2(bytes: Buffer): ProxyHeader {
  const [kind, family, payload] = [bytes.readUInt8(12), bytes.readUInt8(13), bytes.readUInt16BE(14)];
  const command = kind & 0x0f;
  if (kind >> 4 !== 2 || command > 1) return bad("has a version or command that is not known");
  const length = V2_HEAD + payload;
  if (length > LONGEST_V2) return bad(`is longer than ${LONGEST_V2} bytes`);
  // 2.2: of a family that is not known the address is skipped, and that of the connection is not the client's either.
  const layout = command === 1 ? LAYOUTS.get(family) : undefined;
  if (layout !== undefined && payload < layout.length) return bad("is too short for its addresses");
  if (bytes.length < length) return MORE;
  const source = layout && { address: layout.read(bytes), port: bytes.readUInt16BE(V2_HEAD + layout.port) };
  return { state: "done", length, source };
}

/** By family and transport: TCP over IPv4 and over IPv6. Source and target address, then both ports. */
const LAYOUTS: ReadonlyMap<number, { length: number; port: number; read: (bytes: Buffer) => string }> = new Map([
  [0x11, { length: 12, port: 8, read: (bytes) => bytes.subarray(V2_HEAD, V2_HEAD + 4).join(".") }],
  [0x21, { length: 36, port: 32, read: (bytes) => ipv6(bytes.subarray(V2_HEAD, V2_HEAD + 16)) }],
]);

function ipv6(bytes: Buffer): string {
  const text = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(":");
  // `URL` writes an address in its one short form (RFC 5952), by which everybody else names it.
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

function bad(why: string): ProxyHeader {
  return { state: "bad", why };
}
