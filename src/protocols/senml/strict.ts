import { type DecodeOptions, decode, Tokenizer, Type } from "cborg";
import { SenmlError } from "./record.js";

/** What JSON and CBOR of a hostile sender are held to. */
export interface DecodeLimits {
  /** Bytes. 65536 if left out. */
  readonly maxBytes?: number;
  /** Arrays and objects inside one another. 4 if left out: SenML needs 2. */
  readonly maxDepth?: number;
}

const MAX_BYTES = 65_536;
const MAX_DEPTH = 4;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * JSON as RFC 8259 has it, and nothing twice: a key that is there twice has a different value for every reader
 * (RFC 8259 4). Objects come as JSON.parse makes them. Throws SenmlError.
 */
export function decodeStrictJson(bytes: Uint8Array, limits: DecodeLimits = {}): unknown {
  checkSize(bytes, limits);
  let text: string;
  let value: unknown;
  try {
    text = UTF8.decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new SenmlError("the payload is not JSON in UTF-8", { cause });
  }
  const problem = nestingProblem(text, limits.maxDepth ?? MAX_DEPTH);
  if (problem !== undefined) throw new SenmlError(problem);
  return value;
}

/**
 * Looks for what JSON.parse lets pass. `text` is known to be JSON, so that outside of strings the brackets match
 * and a string before a colon is a key.
 */
function nestingProblem(text: string, maxDepth: number): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "[") {
      if (open.length === maxDepth) return `arrays and objects are nested deeper than ${maxDepth}`;
      open.push(new Set());
    } else if (char === "}" || char === "]") {
      open.pop();
    } else if (char === '"') {
      const start = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      let next = at + 1;
      while (next < text.length && " \t\r\n".includes(text[next] ?? "")) next++;
      if (text[next] !== ":") continue;
      const key: unknown = JSON.parse(text.slice(start, at + 1));
      const keys = open.at(-1);
      if (typeof key !== "string" || keys === undefined) continue;
      if (keys.has(key)) return `the key ${JSON.stringify(key.slice(0, 64))} is there twice`;
      keys.add(key);
    }
  }
  return undefined;
}

/**
 * CBOR (RFC 8949) of definite lengths, without duplicate keys, undefined, NaN or infinities. Maps come as Map, integers as
 * number (the nearest one beyond 2^53), decimal fractions (tag 4, RFC 8428 6) as number; other tags are refused. Throws SenmlError.
 */
export function decodeStrictCbor(bytes: Uint8Array, limits: DecodeLimits = {}): unknown {
  checkSize(bytes, limits);
  const options: DecodeOptions = {
    allowIndefinite: false,
    allowUndefined: false,
    allowNaN: false,
    allowInfinity: false,
    allowBigInt: true,
    rejectDuplicateMapKeys: true,
    useMaps: true,
    retainStringBytes: true,
    tags: { 4: (content) => decimalFraction(content()) },
  };
  try {
    return decode(bytes, { ...options, tokenizer: boundedTokenizer(bytes, options, limits.maxDepth ?? MAX_DEPTH) });
  } catch (cause) {
    if (cause instanceof SenmlError) throw cause;
    const detail = cause instanceof Error ? cause.message.replace("CBOR decode error: ", "").slice(0, 100) : "";
    throw new SenmlError(`the payload is not CBOR as it is wanted here: ${detail}`, { cause });
  }
}

type CborTokenizer = NonNullable<DecodeOptions["tokenizer"]>;

/** Counts open arrays, maps and tags: cborg calls itself for each, and a deep nest would end in a stack overflow. */
function boundedTokenizer(bytes: Uint8Array, options: DecodeOptions, maxDepth: number): CborTokenizer {
  // Of a Buffer cborg would hand out views, not copies: Buffer.slice does not copy.
  const inner = new Tokenizer(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), options);
  /** How many items each open container still wants. */
  const wanted: number[] = [];
  return {
    done: () => inner.done(),
    pos: () => inner.pos(),
    next: () => {
      const token = inner.next();
      let items = 0;
      if (token.type === Type.array) items = token.value;
      else if (token.type === Type.map) items = token.value * 2;
      else if (token.type === Type.tag) items = 1;
      else if (token.type === Type.string && token.byteValue !== undefined) checkUtf8(token.value, token.byteValue);
      else if (typeof token.value === "bigint") token.value = Number(token.value);
      if (items > 0) {
        if (wanted.length === maxDepth)
          throw new SenmlError(`arrays, maps and tags are nested deeper than ${maxDepth}`);
        wanted.push(items);
        return token;
      }
      // An item is whole: so is every container of which it was the last.
      for (let last = wanted.length - 1; last >= 0; last--) {
        const left = (wanted[last] ?? 1) - 1;
        if (left > 0) {
          wanted[last] = left;
          break;
        }
        wanted.pop();
      }
      return token;
    },
  };
}

/** cborg reads bad UTF-8 as U+FFFD; RFC 8949 5.3.1 calls it invalid. */
function checkUtf8(text: string, bytes: Uint8Array): void {
  if (!text.includes("\ufffd")) return;
  try {
    UTF8.decode(bytes);
  } catch (cause) {
    throw new SenmlError("a text is not UTF-8", { cause });
  }
}

/** [exponent, mantissa]: mantissa times ten to the exponent (RFC 8949 3.4.4). By way of text, for 27315 * 10 ** -2 is not 273.15. */
function decimalFraction(content: unknown): number {
  const [exponent, mantissa] = Array.isArray(content) ? content : [];
  if (Array.isArray(content) && content.length === 2 && Number.isInteger(exponent) && Number.isInteger(mantissa)) {
    return Number(`${mantissa}e${exponent}`);
  }
  throw new SenmlError("a decimal fraction (tag 4) is not [exponent, mantissa]");
}

function checkSize(bytes: Uint8Array, limits: DecodeLimits): void {
  const max = limits.maxBytes ?? MAX_BYTES;
  if (bytes.length > max) throw new SenmlError(`the payload has ${bytes.length} bytes, ${max} are allowed`);
}
