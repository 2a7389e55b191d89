import type { Option } from "./message.js";

/** Option numbers (RFC 7252 12.2, RFC 7641, RFC 7959, RFC 7967, RFC 9175). */
export const OPTION = {
  ifMatch: 1,
  uriHost: 3,
  etag: 4,
  ifNoneMatch: 5,
  observe: 6,
  uriPort: 7,
  locationPath: 8,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  accept: 17,
  locationQuery: 20,
  block2: 23,
  block1: 27,
  size2: 28,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60,
  echo: 252,
  noResponse: 258,
  requestTag: 292,
} as const;

/** Content-Formats: those of IANA's registry (RFC 7252 12.3) that constrained devices use. */
export const CONTENT_FORMAT = {
  text: 0,
  /** COSE (RFC 9052). */
  coseEncrypt0: 16,
  coseMac0: 17,
  coseSign1: 18,
  linkFormat: 40,
  xml: 41,
  octets: 42,
  exi: 47,
  json: 50,
  /** RFC 6902 and RFC 7396, for PATCH and iPATCH (RFC 8132). */
  jsonPatch: 51,
  mergePatch: 52,
  cbor: 60,
  /** RFC 8392. */
  cwt: 61,
  /** RFC 8710. */
  multipart: 62,
  /** RFC 8742. */
  cborSequence: 63,
  /** RFC 8428. A stream of it is "sensml". */
  senmlJson: 110,
  sensmlJson: 111,
  senmlCbor: 112,
  sensmlCbor: 113,
  senmlExi: 114,
  sensmlExi: 115,
  /** RFC 9290. */
  problemDetails: 257,
  senmlXml: 310,
  sensmlXml: 311,
  /** RFC 8790, for FETCH, PATCH and iPATCH. */
  senmlEtchJson: 320,
  senmlEtchCbor: 322,
  /** OMA LwM2M. */
  lwm2mTlv: 11542,
  lwm2mJson: 11543,
  lwm2mCbor: 11544,
} as const;

interface Definition {
  /** Bytes. */
  readonly min: number;
  readonly max: number;
  readonly repeatable?: boolean;
}

/**
 * What a request may carry and this layer understands (RFC 7252 table 4, RFC 7959 table 1, RFC 7967, RFC 9175). If-Match and
 * If-None-Match are not among them: who does not look at a condition must refuse it, and it is critical.
 */
const REQUEST: ReadonlyMap<number, Definition> = new Map<number, Definition>([
  [OPTION.uriHost, { min: 1, max: 255 }],
  [OPTION.etag, { min: 1, max: 8, repeatable: true }],
  [OPTION.observe, { min: 0, max: 3 }],
  [OPTION.uriPort, { min: 0, max: 2 }],
  [OPTION.uriPath, { min: 0, max: 255, repeatable: true }],
  [OPTION.contentFormat, { min: 0, max: 2 }],
  [OPTION.maxAge, { min: 0, max: 4 }],
  [OPTION.uriQuery, { min: 0, max: 255, repeatable: true }],
  [OPTION.accept, { min: 0, max: 2 }],
  [OPTION.block2, { min: 0, max: 3 }],
  [OPTION.block1, { min: 0, max: 3 }],
  [OPTION.size2, { min: 0, max: 4 }],
  [OPTION.proxyUri, { min: 1, max: 1034 }],
  [OPTION.proxyScheme, { min: 1, max: 255 }],
  [OPTION.size1, { min: 0, max: 4 }],
  [OPTION.echo, { min: 1, max: 40 }],
  [OPTION.noResponse, { min: 0, max: 1 }],
  [OPTION.requestTag, { min: 0, max: 8, repeatable: true }],
]);

/** What a response may carry and this layer understands (RFC 7252 table 4, RFC 7641 2, RFC 7959 table 1, RFC 9175 2.2). */
const RESPONSE: ReadonlyMap<number, Definition> = new Map<number, Definition>([
  [OPTION.etag, { min: 1, max: 8 }],
  [OPTION.observe, { min: 0, max: 3 }],
  [OPTION.locationPath, { min: 0, max: 255, repeatable: true }],
  [OPTION.contentFormat, { min: 0, max: 2 }],
  [OPTION.maxAge, { min: 0, max: 4 }],
  [OPTION.locationQuery, { min: 0, max: 255, repeatable: true }],
  [OPTION.block2, { min: 0, max: 3 }],
  [OPTION.block1, { min: 0, max: 3 }],
  [OPTION.size2, { min: 0, max: 4 }],
  [OPTION.size1, { min: 0, max: 4 }],
  [OPTION.echo, { min: 1, max: 40 }],
]);

/** The options that count: understood, of an allowed length, not repeated beyond what is allowed. */
export type CheckedOptions =
  | { readonly ok: true; readonly options: readonly Option[] }
  /** A critical option that is not understood, or is malformed: the request is refused (RFC 7252 5.4.1). */
  | { readonly ok: false; readonly critical: number };

/**
 * An option that is unknown, has a length outside of its range or is there once too often is left out if it is elective,
 * and refuses the request if it is critical, which odd numbers are (RFC 7252 5.4.1, 5.4.3, 5.4.5, 5.4.6).
 */
export function checkOptions(options: readonly Option[]): CheckedOptions {
  return check(options, REQUEST);
}

/** The same of a response. */
export function checkResponseOptions(options: readonly Option[]): CheckedOptions {
  return check(options, RESPONSE);
}

function check(options: readonly Option[], definitions: ReadonlyMap<number, Definition>): CheckedOptions {
  let previous = -1;
  const kept: Option[] = [];
  for (const option of options) {
    const definition = definitions.get(option.number);
    const sound =
      definition !== undefined &&
      option.value.length >= definition.min &&
      option.value.length <= definition.max &&
      (option.number !== previous || definition.repeatable === true) &&
      (!TEXTS.has(option.number) || textOf(option.value) !== undefined);
    if (sound) kept.push(option);
    else if (option.number % 2 === 1) return { ok: false, critical: option.number };
    previous = option.number;
  }
  return { ok: true, options: kept };
}

const TEXTS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.locationPath,
  OPTION.uriPath,
  OPTION.uriQuery,
  OPTION.locationQuery,
]);
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text, or undefined where the bytes are no UTF-8. */
export function textOf(value: Uint8Array): string | undefined {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString("utf8");
  // Buffer puts U+FFFD for what is no UTF-8, and is three times as fast as a TextDecoder: only what has one is looked at twice.
  if (!text.includes("\ufffd")) return text;
  try {
    return UTF8.decode(value);
  } catch {
    return undefined; // the answer of this function, not a failure
  }
}

/** `/air/temperature` as ["air", "temperature"]. Of checked options. */
export function uriPath(options: readonly Option[]): string[] {
  return texts(options, OPTION.uriPath);
}

/** `?a=1&b` as ["a=1", "b"]. Of checked options. */
export function uriQuery(options: readonly Option[]): string[] {
  return texts(options, OPTION.uriQuery);
}

function texts(options: readonly Option[], number: number): string[] {
  const found: string[] = [];
  for (const option of options) if (option.number === number) found.push(textOf(option.value) ?? "");
  return found;
}

/** The first option of that number as an unsigned integer in network order (RFC 7252 3.2), or undefined. */
export function uintOption(options: readonly Option[], number: number): number | undefined {
  const option = options.find((one) => one.number === number);
  if (option === undefined) return undefined;
  let value = 0;
  for (const byte of option.value) value = value * 256 + byte;
  return value;
}

export function contentFormat(options: readonly Option[]): number | undefined {
  return uintOption(options, OPTION.contentFormat);
}

export function accept(options: readonly Option[]): number | undefined {
  return uintOption(options, OPTION.accept);
}

/** An option with an unsigned integer in as few bytes as it needs: none for 0 (RFC 7252 3.2). */
export function uint(number: number, value: number): Option {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return { number, value: Uint8Array.from(bytes) };
}

/** A Block1 or Block2 option (RFC 7959 2.2). */
export interface Block {
  /** Which block, from 0. 20 bits. */
  readonly num: number;
  /** More blocks come after this one. */
  readonly more: boolean;
  /** 0 to 6: blocks of 16 to 1024 bytes. 7 is reserved. */
  readonly szx: number;
}

export function blockOption(options: readonly Option[], number: 23 | 27): Block | undefined {
  const value = uintOption(options, number);
  return value === undefined ? undefined : { num: value >> 4, more: (value & 8) !== 0, szx: value & 7 };
}

export function block(number: 23 | 27, { num, more, szx }: Block): Option {
  return uint(number, num * 16 + (more ? 8 : 0) + szx);
}

/** Bytes in a block of that size exponent. */
export function blockSize(szx: number): number {
  return 2 ** (szx + 4);
}
