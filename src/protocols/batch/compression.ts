/**
 * What is around a batch. It is recognised by how it begins, for a batch itself begins with `[` (JSON) or with 80 to 9a
 * (a CBOR array):
 *
 * zlib   x8 and a byte with which both are a multiple of 31 (RFC 1950 2.2). With a preset dictionary, named by its checksum
 * zstd   28 b5 2f fd (RFC 8878 3.1.1)
 */
import * as zlib from "node:zlib";
import { BatchError, type Compression } from "./batch.js";
import { DICTIONARY, DICTIONARY_ID } from "./dictionary.js";

type Transform = (bytes: Uint8Array, options: { params: Record<number, number>; maxOutputLength?: number }) => Buffer;

/** From Node 22.15 and 23.8. Node 20 has none of it, nor have its types, hence the cast. */
const zstd = zlib as unknown as { readonly zstdCompressSync?: Transform; readonly zstdDecompressSync?: Transform };

/** zstd.h: both are numbered 100, one for the compressor and one for the decompressor. */
const ZSTD_C_COMPRESSION_LEVEL = 100;
const ZSTD_D_WINDOW_LOG_MAX = 100;
/** Measured: 19 takes two to four times as long for a fiftieth less. */
const ZSTD_LEVEL = 15;
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** zstd.h: ZSTD_WINDOWLOG_ABSOLUTEMIN and the most that a 32-bit system takes. */
const WINDOW_LOG = { min: 10, max: 30 };

const NO_ZSTD = "zstd needs Node 22.15, 23.8 or newer";

/** Whether this Node can do it. */
export function compressionAvailable(compression: Compression): boolean {
  return compression !== "zstd" || (zstd.zstdCompressSync !== undefined && zstd.zstdDecompressSync !== undefined);
}

/** Throws BatchError where it is not available. */
export function compress(bytes: Uint8Array, compression: Compression): Uint8Array {
  switch (compression) {
    case "none":
      return bytes;
    case "zlib":
      return zlib.deflateSync(bytes, { level: 9, memLevel: 9, dictionary: DICTIONARY });
    case "zstd":
      if (zstd.zstdCompressSync === undefined) throw new BatchError(NO_ZSTD);
      return zstd.zstdCompressSync(bytes, { params: { [ZSTD_C_COMPRESSION_LEVEL]: ZSTD_LEVEL } });
  }
}

/** The bytes of the batch itself, at most `maxBytes` of them. Throws BatchError. */
export function decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const compression = recognise(bytes);
  if (compression === "none") {
    if (bytes.length > maxBytes) throw tooLarge(maxBytes);
    return bytes;
  }
  if (compression === "zstd" && !compressionAvailable("zstd")) throw new BatchError(NO_ZSTD);
  try {
    return compression === "zlib" ? inflate(bytes, maxBytes) : zstdDecompress(bytes, maxBytes);
  } catch (cause) {
    if (cause instanceof BatchError) throw cause;
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
    throw new BatchError(`the ${compression} data is damaged`, { cause });
  }
}

function recognise(bytes: Uint8Array): Compression {
  if (ZSTD_MAGIC.every((byte, index) => bytes[index] === byte)) return "zstd";
  const [method = 0, flags = 0] = bytes;
  return (method & 0x8f) === 0x08 && (method * 256 + flags) % 31 === 0 ? "zlib" : "none";
}

function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const named = ((bytes[1] ?? 0) & 0x20) !== 0; // FDICT (RFC 1950 2.2)
  if (named && !DICTIONARY_ID.every((byte, index) => bytes[2 + index] === byte)) {
    throw new BatchError("the batch was compressed with a dictionary that is not known here");
  }
  return zlib.inflateSync(bytes, { maxOutputLength: maxBytes, dictionary: DICTIONARY });
}

/** The frame's header says how large a window is to be allocated, before a byte of it is there: that has a bound of its own. */
function zstdDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (zstd.zstdDecompressSync === undefined) throw new BatchError(NO_ZSTD);
  const log = Math.min(WINDOW_LOG.max, Math.max(WINDOW_LOG.min, Math.ceil(Math.log2(maxBytes))));
  return zstd.zstdDecompressSync(bytes, { maxOutputLength: maxBytes, params: { [ZSTD_D_WINDOW_LOG_MAX]: log } });
}

function tooLarge(maxBytes: number): BatchError {
  return new BatchError(`the batch has more than ${maxBytes} bytes`);
}
