/** One MQTT message inside a batch. */
export interface BatchMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** What a batch says once it is read. */
export interface Batch {
  readonly messages: BatchMessage[];
  readonly id?: string;
}

export type BatchFormat = "json" | "senml-cbor";
export type Compression = "none" | "zlib" | "zstd";

/** The bytes are no batch, or the messages cannot be put into one. The message says where and why. */
export class BatchError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "BatchError";
  }
}

/** What a decoder allows if nothing else is said. Whoever encodes for others keeps below it. */
export const MAX_BYTES = 2 ** 20;

/** What a message weighs besides its topic and payload, so that very many empty ones have a bound too. In bytes. */
const MESSAGE_OVERHEAD = 32;

/** Adds up what was restored: a long base name in front of a hundred thousand names of one letter is a bomb as well. */
export class Budget {
  readonly #max: number;
  #left: number;

  constructor(max: number) {
    this.#max = max;
    this.#left = max;
  }

  take({ topic, payload }: BatchMessage): void {
    // UTF-16 units, which are never more than the bytes: counting these would build every topic.
    this.#left -= topic.length + payload.length + MESSAGE_OVERHEAD;
    if (this.#left < 0) throw new BatchError(`the messages come to more than ${this.#max} bytes`);
  }
}

/** Half of a surrogate pair has no UTF-8, so that neither MQTT nor CBOR can carry it. */
export function wellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
