import type { ClientHello } from "./messages/client-hello.js";

/** A ClientHello that came in one piece and had the cookie. */
export interface VerifiedHello {
  readonly hello: ClientHello;
  /** The body of the message, as it came. */
  readonly body: Uint8Array;
  /** Its message_seq: ours begin there (RFC 6347 4.2.2). */
  readonly messageSequence: number;
  /** Of its record: our first record has the same number (RFC 6347 4.2.1). */
  readonly recordSequence: number;
}
