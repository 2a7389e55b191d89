import { createHmac, randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { PskTable } from "../../../core/psk.js";

/**
 * The pre-shared keys of a listener. A client that names an identity that is not there gets a key that nobody has, and fails
 * as it would with a wrong key: it does not learn which identities there are (RFC 4279 2, 7.1).
 */
export class Keys {
  /** `certificate`: whether a client that shares no key can still come in by certificate. */
  readonly #certificate: boolean;
  readonly #secret = randomBytes(32);
  readonly #named = new WeakMap<TLSSocket, string>();
  #table: PskTable;

  constructor(table: PskTable, certificate: boolean) {
    this.#table = table;
    this.#certificate = certificate;
  }

  replace(table: PskTable): void {
    this.#table = table;
  }

  /** For Node's `pskCallback`. Does the same work whether the identity is there or not. */
  keyOf(socket: TLSSocket, identity: string): Buffer | null {
    const nobodys = createHmac("sha256", this.#secret).update(identity).digest();
    const key = this.#table.get(identity);
    if (key === undefined) {
      this.#named.delete(socket);
      // With TLS 1.3 a client offers keys and certificates at once: one that is taken and does not fit would end it.
      return this.#certificate && socket.getProtocol() === "TLSv1.3" ? null : nobodys;
    }
    this.#named.set(socket, identity);
    return key;
  }

  /**
   * The identity whose key the handshake was made with. That a client named one proves nothing: with TLS 1.3 the key may then
   * not have been used, as its suite has another hash, and the handshake was made with the certificate.
   */
  provenBy(socket: TLSSocket): string | undefined {
    // Without tickets (contextOptions) nothing else resumes a session.
    const used =
      socket.getProtocol() === "TLSv1.3" ? socket.isSessionReused() : socket.getCipher().name.includes("PSK");
    return used ? this.#named.get(socket) : undefined;
  }
}
