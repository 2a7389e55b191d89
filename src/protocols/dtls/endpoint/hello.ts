import { DtlsError } from "../errors.js";
import { type ClientHello, DTLS_1_2, parseClientHello } from "../handshake/messages/client-hello.js";
import { encodeMessage, HANDSHAKE_TYPES, parseFragments } from "../handshake/messages/header.js";
import { encodeHelloVerifyRequest } from "../handshake/messages/hello-verify-request.js";
import { CONTENT, PlaintextWriter, type WireRecord } from "../record/index.js";

/** A ClientHello in the clear, read without remembering anything. */
export interface FirstHello {
  readonly hello: ClientHello;
  readonly body: Uint8Array;
  readonly messageSequence: number;
}

/** A server's numbers go on from those of the hello (RFC 6347 4.2.1): there must be enough left for a handshake. */
const MAX_SEQUENCE = 2 ** 48 - 2 ** 20;
/** No hello that comes in one datagram is longer, and a handshake keeps it. */
const MAX_HELLO = 4_096;

export function isClientHello({ type, epoch, fragment }: WireRecord): boolean {
  return type === CONTENT.handshake && epoch === 0 && fragment[0] === HANDSHAKE_TYPES.client_hello;
}

/** Never throws. */
export function readHello({ fragment, sequence }: WireRecord): FirstHello | "hello_fragmented" | "malformed" {
  if (sequence > MAX_SEQUENCE) return "malformed";
  try {
    const [first, ...others] = parseFragments(fragment);
    if (first === undefined || others.length > 0) return "malformed";
    if (first.bytes.length !== first.length) return "hello_fragmented";
    if (first.length > MAX_HELLO) return "malformed";
    // A copy: a handshake keeps it, and is not to keep the datagram, which may be much longer.
    const body = first.bytes.slice();
    return { hello: parseClientHello(body), body, messageSequence: first.sequence };
  } catch (error) {
    if (error instanceof DtlsError) return "malformed";
    throw error;
  }
}

/**
 * A HelloVerifyRequest, with the number of the record that it answers (RFC 6347 4.2.1), and that of the message: a client whose cookie was too old
 * has taken a message 0 already, and would drop another one (4.2.2).
 */
export function cookieDatagram(recordSequence: number, sequence: number, cookie: Uint8Array): Uint8Array {
  const body = encodeHelloVerifyRequest({ version: DTLS_1_2, cookie });
  const message = encodeMessage({ type: HANDSHAKE_TYPES.hello_verify_request, sequence, body });
  return new PlaintextWriter(recordSequence).write(CONTENT.handshake, message);
}
