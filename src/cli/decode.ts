import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { messageOf, WeirError } from "../core/errors.js";
import { type Batch, BatchError, decodeBatch } from "../protocols/batch/index.js";

export interface DecodeOptions {
  readonly hex?: boolean | undefined;
  readonly base64?: boolean | undefined;
}

/** A person who looks at a file of his own need not be held to what a program takes from a wire. */
const MAX_BYTES = 64 * 2 ** 20;

/** `weir decode`: the messages of a batch, a line each. `mosquitto_sub -t weir/batch -C 1 -N | weir decode` */
export function decode(file: string | undefined, options: DecodeOptions): number {
  if (options.hex && options.base64) {
    process.stderr.write("weir decode [FILE] [--hex | --base64]\n");
    return 2;
  }
  const read = readInput(file);
  if (read === undefined) return 1;
  const bytes = options.hex ? fromText(read, "hex") : options.base64 ? fromText(read, "base64") : read;
  const { messages } = decoded(bytes);
  process.stdout.write(
    messages.map(({ topic, payload }) => `${shown(Buffer.from(topic))} ${shown(payload)}\n`).join(""),
  );
  return 0;
}

/** The descriptor and not process.stdin, which would make a pipe non-blocking: readFileSync fails on those. */
const STDIN = 0;

function readInput(file: string | undefined): Uint8Array | undefined {
  try {
    return readFileSync(file === undefined || file === "-" ? STDIN : file);
  } catch (error) {
    process.stderr.write(`weir: the batch cannot be read: ${messageOf(error)}\n`);
    return undefined;
  }
}

function decoded(bytes: Uint8Array): Batch {
  try {
    return decodeBatch(bytes, { maxBytes: MAX_BYTES });
  } catch (cause) {
    if (cause instanceof BatchError) throw new WeirError("PAYLOAD_INVALID", `no batch: ${cause.message}`, { cause });
    throw cause;
  }
}

const PATTERNS = { hex: /^(?:[0-9a-f]{2})*$/i, base64: /^[A-Za-z0-9+/]*={0,2}$/ } as const;

/** Node would stop at, or skip, what does not belong there. */
function fromText(bytes: Uint8Array, encoding: keyof typeof PATTERNS): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1").replace(/\s+/g, "");
  if (!PATTERNS[encoding].test(text)) throw new WeirError("PAYLOAD_INVALID", `the input is not ${encoding}`);
  return Buffer.from(text, encoding);
}

/** Text as it is, unless it would break the line or command the terminal: then hex. */
function shown(bytes: Uint8Array): string {
  const text = isUtf8(bytes) ? Buffer.from(bytes).toString() : undefined;
  if (text !== undefined && !/[\p{Cc}\u2028\u2029]/u.test(text)) return text;
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
