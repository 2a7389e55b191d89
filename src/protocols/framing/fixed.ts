import type { FrameCheck } from "./framer.js";
import { type Cutter, passes, seekStart } from "./window.js";

/**
 * Frames of one length.
 *
 * With a `start`, a frame whose end or check is wrong is searched for the next start inside it. Without one, a wrong end
 * or a failed check moves on by one byte until both hold. With neither start, end nor check the stream is cut every
 * `length` bytes and one lost byte puts every later frame out of step: for lines that lose nothing only.
 */
export interface FixedFraming {
  readonly kind: "fixed";
  /** The whole frame in bytes, start and end included. */
  readonly length: number;
  /** 1 to 8 bytes. */
  readonly start?: Uint8Array;
  /** 1 to 8 bytes. */
  readonly end?: Uint8Array;
}

export function fixedCutter({ length, start, end }: FixedFraming, check: FrameCheck | undefined): Cutter {
  return {
    step(window) {
      if (start !== undefined && !seekStart(window, start)) return false;
      if (window.length < length) return false;
      const ended = end === undefined || window.has(end, length - end.length);
      if (ended && passes(check, window, length)) {
        window.emit(length, length);
        return true;
      }
      const next = start === undefined ? 1 : window.find(start, 1, length);
      // Without a start nothing says that a frame began here: it is as likely the middle of one.
      const misplaced = start === undefined ? "noise" : "malformed";
      window.discard(ended ? "checksum" : misplaced, next);
      return true;
    },
    end: () => "incomplete",
  };
}
