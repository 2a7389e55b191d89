import { crc32 } from "node:zlib";
import type { Option } from "../message.js";
import { type Block, block, blockSize, OPTION, uint } from "../options.js";

/** What a datagram should carry at most, so that no link has to cut it (RFC 7252 4.6): blocks of 1024 bytes. */
export const LARGEST_SZX = 6;

export type Slice =
  | { readonly ok: true; readonly payload: Uint8Array; readonly options: readonly Option[] }
  /** Beyond the end, or a reserved size: 4.00 (RFC 7959 2.2, 2.4). */
  | { readonly ok: false };

/**
 * The block of a large answer that is asked for, the first one if none is (RFC 7959 2.4). What fits into one block, and was not asked
 * for in blocks, stays as it is. The ETag tells the client when the answer has changed between two blocks: that of the answer itself
 * if it has one. `largest`: the size exponent that a block must not exceed; the client then goes on with smaller ones.
 */
export function sliceBlock2(payload: Uint8Array, asked: Block | undefined, largest = LARGEST_SZX, etag = true): Slice {
  const szx = Math.min(asked?.szx ?? largest, largest);
  const size = blockSize(szx);
  if (asked === undefined && payload.length <= size) return { ok: true, payload, options: [] };
  const start = (asked?.num ?? 0) * blockSize(asked?.szx ?? szx);
  if (asked?.szx === 7 || (start >= payload.length && start > 0)) return { ok: false };
  const options = [
    ...(etag ? [{ number: OPTION.etag, value: etagOf(payload) }] : []),
    block(OPTION.block2, { num: start / size, more: start + size < payload.length, szx }),
    uint(OPTION.size2, payload.length),
  ];
  return { ok: true, payload: payload.subarray(start, start + size), options };
}

/** Bytes of the block that `sliceBlock2` cuts out, unless it is refused. */
export function lengthOfSlice({ length }: Uint8Array, asked: Block | undefined): number {
  const size = blockSize(Math.min(asked?.szx ?? LARGEST_SZX, LARGEST_SZX));
  return Math.max(0, Math.min(size, length - (asked?.num ?? 0) * size));
}

/**
 * CRC-32: it tells two versions of an answer apart, no more is asked of it. It goes over the whole answer for each block of it, which
 * anybody may ask for: a hash in JavaScript takes 4 ns a byte, a millisecond for 256 kB.
 */
function etagOf(payload: Uint8Array): Uint8Array {
  const sum = crc32(payload);
  return Uint8Array.of(sum >>> 24, sum >>> 16, sum >>> 8, sum);
}
