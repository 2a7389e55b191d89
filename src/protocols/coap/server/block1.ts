import type { Code } from "../message.js";
import { type Block, blockSize } from "../options.js";

/**
 * Puts bodies that come in blocks together, atomically (RFC 7959 2.5): nothing is delivered before the last block.
 * A transfer is known by peer, method and target, not by its token, which clients change with each block (RFC 7959 2.4, 3.2).
 */
export interface Reassembly {
  /** `key`: peer, method and target. `announced`: Size1 (RFC 7959 4). `now` in ms. */
  accept(part: BlockPart, now: number): Accepted;
  /** Bytes held in unfinished transfers. */
  readonly bytes: number;
  readonly transfers: number;
}

export interface BlockPart {
  readonly key: string;
  readonly block: Block;
  readonly contentFormat: number | undefined;
  readonly announced: number | undefined;
  readonly payload: Uint8Array;
}

export type Accepted =
  /** The block is kept: answer 2.31. */
  | { readonly kind: "continue" }
  | { readonly kind: "whole"; readonly body: Uint8Array }
  | { readonly kind: "refused"; readonly code: Code; readonly reason: "bad_block" | "block_incomplete" | "too_large" };

export interface ReassemblyOptions {
  /** The largest body, in bytes. */
  readonly maxBody: number;
  /** Unfinished transfers; when one more begins, the one that waits longest is given up. */
  readonly maxTransfers: number;
  /** Of all of them. The one that waits longest is given up for it; one alone may have `maxBody` whatever this is. */
  readonly maxBytes: number;
  /** A transfer without a block for so many ms is given up. */
  readonly expiry: number;
}

interface Transfer {
  buffer: Uint8Array;
  length: number;
  readonly contentFormat: number | undefined;
  touched: number;
}

const BAD_BLOCK: Accepted = { kind: "refused", code: "4.00", reason: "bad_block" };
const INCOMPLETE: Accepted = { kind: "refused", code: "4.08", reason: "block_incomplete" };
const TOO_LARGE: Accepted = { kind: "refused", code: "4.13", reason: "too_large" };

export function createReassembly(options: ReassemblyOptions): Reassembly {
  /** In the order of their last blocks: a transfer that gets one goes to the end. */
  const transfers = new Map<string, Transfer>();
  /** Of the buffers of all that are in the map. */
  let held = 0;

  function drop(key: string): Transfer | undefined {
    const transfer = transfers.get(key);
    transfers.delete(key);
    held -= transfer?.buffer.length ?? 0;
    return transfer;
  }

  function takeRoom(now: number): void {
    for (const [key, transfer] of transfers) {
      if (transfers.size < options.maxTransfers && now - transfer.touched < options.expiry) return;
      drop(key);
    }
  }

  function keep(key: string, transfer: Transfer): void {
    for (const oldest of transfers.keys()) {
      if (held + transfer.buffer.length <= options.maxBytes) break;
      drop(oldest);
    }
    transfers.set(key, transfer);
    held += transfer.buffer.length;
  }

  function append(transfer: Transfer, payload: Uint8Array): void {
    const length = transfer.length + payload.length;
    if (length > transfer.buffer.length) {
      // Doubled, so that a body is not copied once for each of its blocks.
      const grown = new Uint8Array(Math.min(options.maxBody, Math.max(length, transfer.buffer.length * 2)));
      grown.set(transfer.buffer.subarray(0, transfer.length));
      transfer.buffer = grown;
    }
    transfer.buffer.set(payload, transfer.length);
    transfer.length = length;
  }

  return {
    accept({ key, block, contentFormat, announced, payload }, now) {
      // Whatever comes next of it is either kept again below or the end of the transfer.
      const known = drop(key);
      const size = blockSize(block.szx);
      // RFC 7959 2.2: size exponent 7 is reserved. 2.3: only the last block may be short, and none may be longer.
      if (block.szx === 7 || payload.length > size || (block.more && payload.length !== size)) return BAD_BLOCK;
      const offset = block.num * size;
      // RFC 7252 5.9.2.9 by the announced size: rather at the first block than at the last.
      if (offset + payload.length > options.maxBody || (announced ?? 0) > options.maxBody) return TOO_LARGE;
      let transfer = known;
      if (block.num === 0) {
        // A first block begins anew, whatever was there (RFC 7959 2.5).
        if (!block.more) return { kind: "whole", body: payload };
        takeRoom(now);
        transfer = { buffer: new Uint8Array(0), length: 0, contentFormat, touched: now };
      }
      const fits =
        transfer !== undefined &&
        transfer.length === offset &&
        transfer.contentFormat === contentFormat &&
        now - transfer.touched < options.expiry;
      if (transfer === undefined || !fits) return INCOMPLETE;
      append(transfer, payload);
      if (!block.more) return { kind: "whole", body: transfer.buffer.subarray(0, transfer.length) };
      transfer.touched = now;
      keep(key, transfer);
      return { kind: "continue" };
    },
    get transfers() {
      return transfers.size;
    },
    get bytes() {
      return held;
    },
  };
}
