/** Why bytes of a stream were thrown away. */
export type DiscardReason =
  /** Between two frames, or before the first: line noise, or the middle of a frame that began before we listened. */
  | "noise"
  /** A whole frame whose checksum is wrong. */
  | "checksum"
  /** A frame that grew beyond its bound. */
  | "too_long"
  /** A frame whose length field, escape sequence or end cannot be. */
  | "malformed"
  /** A frame that had begun when the stream ended. */
  | "incomplete";

export type FramerOutput =
  | {
      readonly kind: "frame";
      /** The frame without its delimiters; a copy that the receiver may keep. */
      readonly bytes: Uint8Array;
      /** How many bytes of the stream it took, delimiters and escapes included. */
      readonly size: number;
    }
  | { readonly kind: "discard"; readonly reason: DiscardReason; readonly size: number };

/**
 * Cuts a byte stream into frames. Pure: bytes and time in, frames out.
 * Invariants, for any input split in any way:
 * - the bytes pushed = the sum of all `size` + `pending`: nothing vanishes uncounted;
 * - it never throws, `pending` never passes the bound of its options (`pendingBound`), and time is linear in the input:
 *   a byte costs a fixed amount of work, or as much as one longest frame where failed checks make it be looked at again;
 * - how the input is split into chunks changes nothing but how discards are grouped (a silence gap excepted);
 * - discards of one reason that follow each other within one call are one output.
 */
export interface Framer {
  /** `now` in ms from any fixed start. */
  push(chunk: Uint8Array, now: number): FramerOutput[];
  /** When `tick` wants to be called though nothing came: the end of a silence gap. */
  readonly deadline: number | undefined;
  tick(now: number): FramerOutput[];
  /** The stream ended: what is pending is discarded as incomplete (or, by a silence gap, is the last frame). */
  end(): FramerOutput[];
  readonly pending: number;
}

/**
 * Whether a whole frame is sound. A framer that finds its frames by a start word looks for the next start inside a bad one.
 * The frame is a view into the framer's buffer: a check must not keep or change it, and must not throw.
 */
export type FrameCheck = (frame: Uint8Array) => boolean;
