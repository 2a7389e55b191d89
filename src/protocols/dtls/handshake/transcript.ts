import { createHash } from "node:crypto";
import type { Hash } from "../crypto/index.js";
import { concat } from "./fields.js";
import { encodeMessage, type HandshakeMessage } from "./messages/header.js";

/**
 * The messages of a handshake as both sides hash them: whole, whatever fragments they came in; without the hello that had no
 * cookie and the request for one (RFC 6347 4.2.6). They are kept, since a CertificateVerify may have another hash than the
 * cipher suite (RFC 5246 7.4.8).
 */
export class Transcript {
  #messages: Uint8Array[] = [];

  add(message: HandshakeMessage): void {
    this.#messages.push(encodeMessage(message));
  }

  /** Begins anew. */
  clear(): void {
    this.#messages = [];
  }

  bytes(): Uint8Array {
    return concat(...this.#messages);
  }

  digest(hash: Hash): Buffer {
    const digest = createHash(hash);
    for (const message of this.#messages) digest.update(message);
    return digest.digest();
  }
}
