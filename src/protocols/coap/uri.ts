import { isIPv4, isIPv6 } from "node:net";

/** URIs of the schemes `coap` and `coaps`, to and from what a message needs (RFC 7252 6). Pure; never throws on what it reads. */
export interface CoapUri {
  /** `coaps`: over DTLS. */
  readonly scheme: "coap" | "coaps";
  /** An IP address, IPv6 without brackets and with its zone (`fe80::1%eth0`), or a name in lower case. */
  readonly host: string;
  /** That of the scheme where the text has none: 5683, 5684. */
  readonly port: number;
  /** `/air/temperature` is ["air", "temperature"]; `/` and nothing are []. */
  readonly path: readonly string[];
  /** `?a=1&b` is ["a=1", "b"]. */
  readonly query: readonly string[];
}

/** Why a text is no such URI. */
export type UriError =
  /** Longer than any that is meant. */
  | "too_long"
  /** Neither `coap://` nor `coaps://`. */
  | "scheme"
  /** No name and no address, or a user name before it, which these schemes do not have. */
  | "host"
  | "port"
  /** These URIs have none (RFC 7252 6.4). */
  | "fragment"
  /** A character that must be percent-coded, a percent sign without two hexadecimal digits, or no UTF-8. */
  | "character"
  /** A segment or a query that is longer than an option, or a segment `.` or `..` in percent coding (RFC 7252 5.10.1). */
  | "segment";

export type ParsedUri = { readonly ok: true; readonly uri: CoapUri } | { readonly ok: false; readonly error: UriError };

const DEFAULT_PORT = { coap: 5683, coaps: 5684 } as const;
const MAX_TEXT = 4096;
/** Bytes in an Uri-Path or Uri-Query option (RFC 7252 table 4), and in an Uri-Host. */
const MAX_OPTION = 255;

const PARTS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/is;
const AUTHORITY = /^(?:\[([^\]]*)\]|([^:@[\]]*))(?::([0-9]*))?$/;
/** reg-name (RFC 3986 3.2.2). */
const NAME = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
/** pchar and slashes; in a query also the question mark (RFC 3986 3.3, 3.4). */
const PATH = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const QUERY = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;

/** RFC 7252 6.4. */
export function parseCoapUri(text: string): ParsedUri {
  if (text.length > MAX_TEXT) return fail("too_long");
  const [, name = "", authority = "", path = "", query, fragment] = PARTS.exec(text) ?? [];
  const scheme = name.toLowerCase();
  if (scheme !== "coap" && scheme !== "coaps") return fail("scheme");
  if (fragment !== undefined) return fail("fragment");
  const [matched, literal, plain = "", digits = ""] = AUTHORITY.exec(authority) ?? [];
  if (matched === undefined) return fail("host");
  const host = literal === undefined ? hostOf(plain) : addressOf(literal);
  if (host === undefined) return fail("host");
  const port = digits === "" ? DEFAULT_PORT[scheme] : Number(digits);
  if (port < 1 || port > 0xffff) return fail("port");
  if (!PATH.test(path) || (query !== undefined && !QUERY.test(query))) return fail("character");
  const segments = decodeAll(segmentsOf(path));
  const queries = decodeAll(query === undefined ? [] : query.split("&"));
  if (segments === undefined || queries === undefined) return fail("character");
  if (segments.some((one) => one === "." || one === "..")) return fail("segment");
  if ([...segments, ...queries].some((one) => Buffer.byteLength(one) > MAX_OPTION)) return fail("segment");
  return { ok: true, uri: { scheme, host, port, path: segments, query: queries } };
}

/** RFC 7252 6.5. Throws a RangeError on what no such URI can say. */
export function formatCoapUri({ scheme, host, port, path, query }: CoapUri): string {
  const literal = isIPv6(host) ? `[${host.replace("%", "%25")}]` : encode(host, /[A-Za-z0-9\-._~!$&'()*+,;=]/);
  const colon = port === DEFAULT_PORT[scheme] ? "" : `:${port}`;
  const segments = path.map((one) => `/${encode(one, /[A-Za-z0-9\-._~!$&'()*+,;=:@]/)}`).join("");
  const queries = query.map((one) => encode(one, /[A-Za-z0-9\-._~!$'()*+,;=:@/?]/)).join("&");
  const text = `${scheme}://${literal}${colon}${segments === "" ? "/" : segments}${query.length === 0 ? "" : `?${queries}`}`;
  const parsed = parseCoapUri(text);
  // What reads as something else would be another resource: ["a", ".."], or a path that is only one empty segment.
  if (!parsed.ok || parsed.uri.path.length !== path.length)
    throw new RangeError(`no ${scheme} URI says this: ${parsed.ok ? "path" : parsed.error}`);
  return text;
}

/** A name or an IPv4 address. */
function hostOf(text: string): string | undefined {
  if (!NAME.test(text)) return undefined;
  const name = decode(text)?.toLowerCase();
  if (name === undefined || isIPv4(name)) return name;
  return Buffer.byteLength(name) > MAX_OPTION ? undefined : name;
}

/** An IPv6 address. The percent sign before its zone is percent-coded itself (RFC 6874). */
function addressOf(literal: string): string | undefined {
  const [, address = "", zone] = /^([^%]*)(?:%25(.+))?$/.exec(literal) ?? [];
  const name = zone === undefined ? undefined : decode(zone);
  if (zone !== undefined && name === undefined) return undefined;
  const whole = name === undefined ? address : `${address}%${name}`;
  return isIPv6(whole) ? whole.replace(address, address.toLowerCase()) : undefined;
}

/** The segments behind the slashes, without `.` and `..` (RFC 3986 5.2.4). A last empty one stands for a slash at the end. */
function segmentsOf(path: string): string[] {
  if (path === "" || path === "/") return [];
  const kept: string[] = [];
  const given = path.split("/").slice(1);
  for (const [index, segment] of given.entries()) {
    const dots = segment === "." || segment === "..";
    if (segment === "..") kept.pop();
    if (!dots) kept.push(segment);
    else if (index === given.length - 1 && kept.length > 0) kept.push("");
  }
  return kept.length === 1 && kept[0] === "" ? [] : kept;
}

function decodeAll(texts: readonly string[]): string[] | undefined {
  const decoded = texts.map(decode);
  return decoded.every((one) => one !== undefined) ? decoded : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // the answer of this function: a coding that is none, or no UTF-8
  }
}

function encode(text: string, as: RegExp): string {
  if (/\p{Surrogate}/u.test(text)) throw new RangeError("a lone surrogate has no UTF-8");
  let coded = "";
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    coded += byte < 0x80 && as.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return coded;
}

function fail(error: UriError): ParsedUri {
  return { ok: false, error };
}
