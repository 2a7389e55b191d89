import type { DiscardReason, FrameCheck } from "./framer.js";
import { type Cutter, passes, type Window } from "./window.js";

/**
 * Text lines and anything else that ends in a delimiter. The delimiter does not belong to the frame.
 *
 * An empty line carries nothing and is discarded as noise. The first line may lack its beginning, because nobody
 * knows what was sent before the port was opened: a `start` or a check tells, a plain line cannot.
 */
export interface LineFraming {
  readonly kind: "line";
  /** 1 to 8 bytes. */
  readonly delimiter: Uint8Array;
  /** The longest frame in bytes, without its delimiter. */
  readonly max: number;
  /**
   * What a frame begins with, 1 to 8 bytes that belong to it. Bytes before the first start of a line are noise; a line
   * whose check fails, or that is too long, is searched for the next start inside it.
   */
  readonly start?: Uint8Array;
}

/** A frame and its delimiter are the most it must see at once. */
export function lineBound({ delimiter, max }: LineFraming): number {
  return max + delimiter.length;
}

export function lineCutter({ delimiter, max, start }: LineFraming, check: FrameCheck | undefined): Cutter {
  return start === undefined ? delimitedCutter(delimiter, max, check) : startedCutter(delimiter, max, start, check);
}

/** Without a start word: every frame begins right after a delimiter. */
function delimitedCutter(delimiter: Uint8Array, max: number, check: FrameCheck | undefined): Cutter {
  /** No delimiter begins before this offset. */
  let searched = 0;
  /** Within a line that is too long already: everything up to its delimiter goes. */
  let tooLong = false;
  return {
    step(window) {
      const end = window.find(delimiter, searched, window.length);
      const size = end + delimiter.length;
      searched = 0;
      if (size <= window.length) {
        if (tooLong) window.discard("too_long", size);
        else if (end === 0) window.discard("noise", size);
        else if (passes(check, window, end)) window.emit(end, size);
        else window.discard("checksum", size);
        tooLong = false;
        return true;
      }
      tooLong ||= window.length === max + delimiter.length;
      if (tooLong) window.discard("too_long", end);
      else searched = end;
      return false;
    },
    end() {
      const reason = tooLong ? "too_long" : "incomplete";
      searched = 0;
      tooLong = false;
      return reason;
    },
  };
}

function startedCutter(delimiter: Uint8Array, max: number, start: Uint8Array, check: FrameCheck | undefined): Cutter {
  /** A whole start stands at the head. */
  let started = false;
  /** Why what precedes the next start is thrown away. */
  let lost: DiscardReason = "noise";
  /** No delimiter begins before this offset. Kept over a resynchronization, so that no byte is searched twice. */
  let searched = 0;

  /** Throws away what is at the head up to the next start within `length` bytes; without one, `size` bytes if given. */
  function resynchronize(window: Window, reason: DiscardReason, length: number, size?: number): void {
    const next = window.find(start, 1, length);
    started = next + start.length <= length;
    const dropped = started ? next : (size ?? next);
    window.discard(reason, dropped);
    searched = started ? Math.max(searched - dropped, start.length) : 0;
  }

  return {
    step(window) {
      if (!started) {
        const offset = window.find(start, 0, window.length);
        window.discard(lost, offset);
        started = window.length >= start.length;
        searched = start.length;
        if (started) lost = "noise";
        return started;
      }
      const end = window.find(delimiter, searched, window.length);
      const size = end + delimiter.length;
      searched = end;
      if (size <= window.length) {
        if (passes(check, window, end)) {
          window.emit(end, size);
          started = false;
        } else resynchronize(window, "checksum", end, size);
        return true;
      }
      if (window.length < max + delimiter.length) return false;
      // The last bytes may be the beginning of a start: they stay, and are decided with what follows.
      resynchronize(window, "too_long", window.length);
      if (!started) lost = "too_long";
      return true;
    },
    end() {
      const reason = started ? "incomplete" : lost;
      started = false;
      lost = "noise";
      searched = 0;
      return reason;
    },
  };
}
