import { createHmac, randomBytes } from "node:crypto";

/** Longest that a success is remembered, in ms. */
const LIFE = 600_000;
const MOST = 8_192;

/**
 * Which passwords were right in the last minutes, so that a crowd that comes back after an outage is not verified anew. It holds
 * no password and nothing that could be tried out elsewhere: digests under a key that is this process's and in no file.
 */
export class Successes {
  readonly #key = randomBytes(32);
  readonly #until = new Map<string, number>();

  /** The key of what was proved. Lengths go with the parts, so that no two lists of parts are the same bytes. */
  name(...parts: readonly (string | Uint8Array)[]): string {
    const hmac = createHmac("sha256", this.#key);
    for (const part of parts) {
      const bytes = typeof part === "string" ? Buffer.from(part) : part;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      hmac.update(length).update(bytes);
    }
    return hmac.digest("base64");
  }

  has(name: string, now: number): boolean {
    const until = this.#until.get(name);
    if (until === undefined) return false;
    if (until > now) return true;
    this.#until.delete(name);
    return false;
  }

  add(name: string, now: number): void {
    this.#until.delete(name);
    this.#until.set(name, now + LIFE);
    // In order of insertion: the oldest goes.
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= MOST) break;
      this.#until.delete(oldest);
    }
  }

  clear(): void {
    this.#until.clear();
  }

  get size(): number {
    return this.#until.size;
  }
}
