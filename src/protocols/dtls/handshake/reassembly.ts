import { DtlsError } from "../errors.js";
import { concat } from "./fields.js";
import type { Fragment, HandshakeMessage } from "./messages/header.js";

/** Messages that are waited for at once: the longest flight has five (RFC 6347 4.2.4, figure 1). */
const WINDOW = 8;
/** Pieces that are kept: 16 KiB in the smallest datagrams are 100. */
const MAX_PIECES = 256;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Incomplete {
  readonly type: number;
  readonly length: number;
  /** In the order of their offsets; they do not overlap. */
  readonly pieces: Piece[];
  covered: number;
}

export type Added =
  | "kept"
  /** All of it was there already, or its message was taken. */
  | "known"
  /** Too far ahead, of another message under the same number, or more than there is room for. */
  | "refused";

/**
 * Handshake messages in order out of fragments in any order (RFC 6347 4.2.3). What is kept are the bytes that came, each once, so that no
 * fragment makes room for more than it brings. Invariants:
 * - at most `MAX_PIECES` pieces and two messages of the greatest length; the message that is next always finds room;
 * - a byte that is there is not replaced.
 */
export class Reassembly {
  readonly #maxMessage: number;
  readonly #messages = new Map<number, Incomplete>();
  #next: number;
  #bytes = 0;
  #pieces = 0;

  /** `first`: message_seq of the first message. */
  constructor(first: number, maxMessage: number) {
    this.#next = first;
    this.#maxMessage = maxMessage;
  }

  /** The message_seq that `take` waits for. */
  get next(): number {
    return this.#next;
  }

  /** What is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a copy. Throws DtlsError for a message that is too long. */
  add({ type, sequence, length, offset, bytes }: Fragment): Added {
    if (sequence < this.#next) return "known";
    if (sequence >= this.#next + WINDOW) return "refused";
    if (length > this.#maxMessage) {
      throw new DtlsError("ILLEGAL_PARAMETER", `a message of ${length} bytes, at most ${this.#maxMessage}`);
    }
    const message = this.#messages.get(sequence) ?? { type, length, pieces: [], covered: 0 };
    if (message.type !== type || message.length !== length) return "refused";
    const pieces = missing(message.pieces, offset, bytes);
    if (pieces.length === 0 && this.#messages.has(sequence)) return "known";
    const size = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
    if (!this.#makeRoom(sequence, size, pieces.length)) return "refused";
    message.pieces.push(...pieces);
    message.pieces.sort((a, b) => a.offset - b.offset);
    message.covered += size;
    this.#bytes += size;
    this.#pieces += pieces.length;
    this.#messages.set(sequence, message);
    return "kept";
  }

  /** The next message, once it is complete. */
  take(): HandshakeMessage | undefined {
    const sequence = this.#next;
    const message = this.#messages.get(sequence);
    if (message === undefined || message.covered < message.length) return undefined;
    this.#drop(sequence, message);
    this.#next++;
    return { type: message.type, sequence, body: concat(...message.pieces.map(({ bytes }) => bytes)) };
  }

  /** Later messages make room for earlier ones: the peer sends them again. */
  #makeRoom(sequence: number, size: number, pieces: number): boolean {
    const fits = (): boolean => this.#bytes + size <= 2 * this.#maxMessage && this.#pieces + pieces <= MAX_PIECES;
    while (!fits()) {
      const last = Math.max(...this.#messages.keys());
      const message = this.#messages.get(last);
      if (message === undefined || last <= sequence) return false;
      this.#drop(last, message);
    }
    return true;
  }

  #drop(sequence: number, { covered, pieces }: Incomplete): void {
    this.#messages.delete(sequence);
    this.#bytes -= covered;
    this.#pieces -= pieces.length;
  }
}

/** Copies of those parts of a fragment that are not there yet. */
function missing(pieces: readonly Piece[], offset: number, bytes: Uint8Array): Piece[] {
  const end = offset + bytes.length;
  const found: Piece[] = [];
  let at = offset;
  const keep = (until: number): void => {
    if (until > at) found.push({ offset: at, bytes: bytes.slice(at - offset, until - offset) });
  };
  for (const piece of pieces) {
    if (piece.offset >= end) break;
    keep(piece.offset);
    at = Math.max(at, piece.offset + piece.bytes.length);
  }
  keep(end);
  return found;
}
