import type { FrameCheck } from "./framer.js";
import { type Cutter, passes, seekStart } from "./window.js";

export type LengthType = "u8" | "u16be" | "u16le";

/**
 * Frames that begin with a start word and say their own length.
 *
 * A length that cannot be, a wrong `end` and a failed check each resume the search one byte after the start, so that
 * a start word that was only data costs no frame. Such a false start may hold back up to `max` bytes until it is known.
 */
export interface HeaderFraming {
  readonly kind: "header";
  /** 1 to 8 bytes. */
  readonly start: Uint8Array;
  readonly length: {
    /** Where the field stands, in bytes from the beginning of the frame; behind the start. */
    readonly offset: number;
    readonly type: LengthType;
    /** The whole frame's size in bytes = the field + this. */
    readonly add: number;
  };
  /** The longest frame in bytes, start and end included. */
  readonly max: number;
  /** What a frame ends with, 1 to 8 bytes. */
  readonly end?: Uint8Array;
}

/** How many bytes must be there before the length is known. A frame is longer than that. */
export function headerSize({ length }: HeaderFraming): number {
  return length.offset + (length.type === "u8" ? 1 : 2);
}

export function headerCutter(framing: HeaderFraming, check: FrameCheck | undefined): Cutter {
  const { start, max, end } = framing;
  const { offset, type, add } = framing.length;
  const header = headerSize(framing);
  const least = Math.max(header + 1, header + (end?.length ?? 0));
  return {
    step(window) {
      if (!seekStart(window, start) || window.length < header) return false;
      const first = window.at(offset);
      const second = type === "u8" ? 0 : window.at(offset + 1);
      const field = type === "u16be" ? first * 256 + second : first + second * 256;
      const size = field + add;
      if (size < least || size > max) {
        window.discard("malformed", window.find(start, 1, header));
        return true;
      }
      if (window.length < size) return false;
      const ended = end === undefined || window.has(end, size - end.length);
      if (ended && passes(check, window, size)) window.emit(size, size);
      else window.discard(ended ? "checksum" : "malformed", window.find(start, 1, size));
      return true;
    },
    end: () => "incomplete",
  };
}
