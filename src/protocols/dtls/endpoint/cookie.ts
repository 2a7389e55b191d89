import { createHmac } from "node:crypto";
import { sameBytes } from "../crypto/index.js";
import { FieldReader } from "../handshake/fields.js";

/** In ms. A cookie is good for one to two of them: longer than a client waits before it sends its second hello again. */
const ROTATION = 60_000;
const SECRET_LENGTH = 32;
/** Of the 32 bytes of the HMAC: with it the answer is shorter than any hello, so that nothing is amplified. */
const COOKIE_LENGTH = 16;
/** Before the session id: version and random. */
const FIXED = 34;

/**
 * Cookies without a memory (RFC 6347 4.2.1): what a client says, and from where, under a secret. Whoever returns one gets what is sent to the
 * address that it claims to have.
 */
export class CookieJar {
  readonly #random: (length: number) => Uint8Array;
  #current: Uint8Array;
  /** Undefined until the first rotation, and after a pause. */
  #previous: Uint8Array | undefined;
  #since: number;

  constructor(random: (length: number) => Uint8Array, now: number) {
    this.#random = random;
    this.#current = random(SECRET_LENGTH);
    this.#since = now;
  }

  /** For the hello with this body, which was parsed before, of this address. */
  bake(address: string, body: Uint8Array, now: number): Uint8Array {
    this.#rotate(now);
    return cookieOf(this.#current, address, body);
  }

  isOurs(cookie: Uint8Array, address: string, body: Uint8Array, now: number): boolean {
    // Without work for the hellos that have none, or one of another server.
    if (cookie.length !== COOKIE_LENGTH) return false;
    this.#rotate(now);
    if (sameBytes(cookie, cookieOf(this.#current, address, body))) return true;
    return this.#previous !== undefined && sameBytes(cookie, cookieOf(this.#previous, address, body));
  }

  #rotate(now: number): void {
    const age = now - this.#since;
    if (age < ROTATION) return;
    this.#previous = age < 2 * ROTATION ? this.#current : undefined;
    this.#current = this.#random(SECRET_LENGTH);
    this.#since = now;
  }
}

/** Over what the second hello repeats: version, random, session id, cipher suites, compression methods (RFC 6347 4.2.1). */
function cookieOf(secret: Uint8Array, address: string, body: Uint8Array): Uint8Array {
  const fields = new FieldReader(body);
  fields.bytes(FIXED);
  fields.vector8(0);
  const beforeCookie = body.subarray(0, body.length - fields.left);
  fields.vector8(0);
  const afterCookie = body.length - fields.left;
  fields.vector16(0);
  fields.vector8(0);
  const hmac = createHmac("sha256", secret);
  // No address has U+0000 in it, so that it cannot go over into what follows.
  hmac
    .update(`${address}\0`)
    .update(beforeCookie)
    .update(body.subarray(afterCookie, body.length - fields.left));
  return hmac.digest().subarray(0, COOKIE_LENGTH);
}
