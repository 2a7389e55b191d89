import { DtlsError } from "../../errors.js";
import { type Extensions, encodeExtensions, parseExtensions } from "../extensions.js";
import { concat, FieldReader, uint16, vector } from "../fields.js";
import { RANDOM_LENGTH } from "./client-hello.js";

const MAX_SESSION_ID = 32;
const NO_COMPRESSION = 0;

/** RFC 5246 7.4.1.3. Byte arrays of a parsed one are views. */
export interface ServerHello {
  readonly version: number;
  readonly random: Uint8Array;
  /** That of the client: its session goes on. Empty: this session will not be resumed. */
  readonly sessionId: Uint8Array;
  readonly suite: number;
  readonly extensions: Extensions;
}

/** `present`: the numbers of all extensions, so that a client sees those that it did not offer. */
export function parseServerHello(body: Uint8Array): { hello: ServerHello; present: ReadonlySet<number> } {
  const fields = new FieldReader(body);
  const version = fields.uint16();
  const random = fields.bytes(RANDOM_LENGTH);
  const sessionId = fields.vector8(0, MAX_SESSION_ID);
  const suite = fields.uint16();
  if (fields.uint8() !== NO_COMPRESSION) throw new DtlsError("ILLEGAL_PARAMETER", "compression was chosen");
  const { extensions, present } = parseExtensions(fields, "server");
  return { hello: { version, random, sessionId, suite, extensions }, present };
}

export function encodeServerHello(hello: ServerHello): Uint8Array {
  return concat(
    uint16(hello.version),
    hello.random,
    vector(1, hello.sessionId),
    uint16(hello.suite),
    Uint8Array.of(NO_COMPRESSION),
    encodeExtensions(hello.extensions, "server"),
  );
}
