/** Many MQTT messages in one payload, and back, byte for byte. Knows nothing of a gateway. The layout: docs/guide/batches.md */
import {
  type Batch,
  BatchError,
  type BatchFormat,
  type BatchMessage,
  type Compression,
  MAX_BYTES,
  wellFormed,
} from "./batch.js";
import { compress, decompress } from "./compression.js";
import { decodeJson, encodeJson } from "./json.js";
import { decodeSenml } from "./senml-decode.js";
import { encodeSenml } from "./senml-encode.js";

export { type Batch, BatchError, type BatchFormat, type BatchMessage, type Compression, MAX_BYTES } from "./batch.js";
export { compressionAvailable } from "./compression.js";
export { DICTIONARY } from "./dictionary.js";

export interface EncodeBatchOptions {
  readonly format: BatchFormat;
  readonly compression: Compression;
  /** Comes out of `decodeBatch` again: for whoever must know a batch that came twice. */
  readonly id?: string;
}

export interface DecodeLimits {
  /**
   * The most bytes that the batch may have once decompressed, and its messages once restored: topic, payload and 32 for each.
   * 1 MiB (`MAX_BYTES`) if left out.
   */
  readonly maxBytes?: number;
}

/** Throws BatchError: no message, a topic or an id that UTF-8 cannot say, or a compression that this Node lacks. */
export function encodeBatch(messages: readonly BatchMessage[], options: EncodeBatchOptions): Uint8Array {
  const { format, compression, id } = options;
  if (messages.length === 0) throw new BatchError("a batch has at least one message");
  if (id !== undefined && !wellFormed(id)) throw new BatchError("the id is no well-formed text");
  const wrong = messages.findIndex(({ topic }) => !wellFormed(topic));
  if (wrong !== -1) throw new BatchError(`message ${wrong + 1} has a topic that is no well-formed text`);
  return compress(format === "json" ? encodeJson(messages, id) : encodeSenml(messages, id), compression);
}

/** Knows format and compression by how the bytes begin. Throws BatchError, and nothing else whatever the bytes are. */
export function decodeBatch(bytes: Uint8Array, limits: DecodeLimits = {}): Batch {
  const maxBytes = limits.maxBytes ?? MAX_BYTES;
  const plain = decompress(bytes, maxBytes);
  const batch = plain[0] === JSON_ARRAY ? decodeJson(plain, maxBytes) : decodeSenml(plain, maxBytes);
  if (batch.messages.length === 0) throw new BatchError("a batch has at least one message");
  return batch;
}

const JSON_ARRAY = 0x5b; // "["
