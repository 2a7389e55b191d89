import type { Code, Option } from "../message.js";

/** A whole answer of which the client has the first block. */
export interface Answer {
  readonly code: Code;
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
}

export interface AnswersOptions {
  readonly maxAnswers: number;
  /** Of their payloads. */
  readonly maxBytes: number;
  /** ms from its first block. */
  readonly expiry: number;
}

interface Kept extends Answer {
  readonly expires: number;
}

/**
 * Large answers to requests that must not be run again for each block, as a GET is: their later blocks come out of here (RFC 7959
 * 2.7, 3.3). Bounded by number and bytes, the oldest go first; what is too large for the whole is not kept at all.
 */
export class Answers {
  readonly #options: AnswersOptions;
  /** In the order in which they came, which is the order in which they expire. */
  readonly #byKey = new Map<string, Kept>();
  #bytes = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  keep(key: string, { code, options, payload }: Answer, now: number): void {
    this.drop(key);
    if (payload.length > this.#options.maxBytes) return;
    // A copy: what the handler gave may be a view of something that changes.
    this.#byKey.set(key, { code, options, payload: payload.slice(), expires: now + this.#options.expiry });
    this.#bytes += payload.length;
    for (const [oldest, { expires }] of this.#byKey) {
      const fits = this.#byKey.size <= this.#options.maxAnswers && this.#bytes <= this.#options.maxBytes;
      if (fits && expires > now) break;
      this.drop(oldest);
    }
  }

  find(key: string, now: number): Answer | undefined {
    const kept = this.#byKey.get(key);
    return kept !== undefined && kept.expires > now ? kept : undefined;
  }

  drop(key: string): void {
    const kept = this.#byKey.get(key);
    if (kept === undefined) return;
    this.#byKey.delete(key);
    this.#bytes -= kept.payload.length;
  }
}
