import { earliest } from "./earliest.js";
import type { DiscardReason, FrameCheck } from "./framer.js";
import { type Cutter, passes, type Window } from "./window.js";

/**
 * Frames whose end, and perhaps whose start, is known by a pattern: RE2 syntax over the bytes as U+0000 to U+00FF,
 * a dot matches line ends too, and the assertions `^ $ \A \z \b \B` are refused.
 *
 * A frame ends with the first byte at which a match of `end` is complete: a quantifier at its very end takes no more
 * than it must. The match belongs to the frame. So does the match of `start`, behind which `end` is looked for.
 */
export interface RegexFraming {
  readonly kind: "regex";
  readonly end: string;
  /**
   * What a frame begins with; what precedes it is noise. Left out, a frame begins right behind the one before.
   * A frame whose check fails, or that is too long, is searched for the next start inside it.
   */
  readonly start?: string;
  /** The longest frame in bytes, the matches included. */
  readonly max: number;
  /** The longest match of `start` or `end` in bytes; longer ones are not seen. 64 if left out. */
  readonly lookback?: number;
}

export const DEFAULT_LOOKBACK = 64;

export function regexCutter(framing: RegexFraming, check: FrameCheck | undefined): Cutter {
  const { max } = framing;
  const lookback = Math.min(framing.lookback ?? DEFAULT_LOOKBACK, max);
  const start = framing.start === undefined ? undefined : earliest(framing.start, lookback);
  const end = earliest(framing.end, lookback);

  /** A frame begins at the head. Without a start: unless it is too long already, and its end only is looked for. */
  let started = start === undefined;
  /** Where `end` may begin: behind the start. */
  let content = 0;
  /** Why what precedes the next frame is thrown away. */
  let lost: DiscardReason = "noise";
  /** No match ends at or before this offset. Kept over a resynchronization, so that no byte is searched twice. */
  let searched = 0;

  function reset(): void {
    started = start === undefined;
    content = 0;
    lost = "noise";
    searched = 0;
  }

  /** Goes to the first start that is whole within `to` bytes and begins at `from` or later. */
  function goToStart(window: Window, reason: DiscardReason, from: number, to: number, done: number): boolean {
    const found = start?.end(window, from, done, to);
    if (start === undefined || found === undefined) return false;
    const begin = start.begin(window, from, found);
    window.discard(reason, begin);
    started = true;
    lost = "noise";
    content = found - begin;
    searched = Math.max(searched - begin, content);
    return true;
  }

  /** Throws away all but what a match that is not complete yet may need. */
  function keepLookback(window: Window, reason: DiscardReason): void {
    window.discard(reason, Math.max(0, window.length - (lookback - 1)));
    searched = window.length;
  }

  function seek(window: Window): boolean {
    if (start === undefined) {
      // A frame without a start is too long: its end is the only thing that says where the next one begins.
      const found = end.end(window, 0, searched, window.length);
      if (found === undefined) {
        keepLookback(window, lost);
        return false;
      }
      window.discard(lost, found);
      reset();
      return true;
    }
    const done = searched;
    searched = 0;
    if (goToStart(window, lost, 0, window.length, done)) return true;
    keepLookback(window, lost);
    return false;
  }

  function cut(window: Window, size: number): void {
    if (passes(check, window, size)) {
      window.emit(size, size);
      reset();
      return;
    }
    // `end` has no match before the last byte of this frame, but may have one there for a frame that begins later.
    searched = size - 1;
    if (goToStart(window, "checksum", 1, size, 1)) return;
    window.discard("checksum", size);
    reset();
  }

  return {
    step(window) {
      if (!started) return seek(window);
      const size = end.end(window, content, searched, window.length);
      if (size !== undefined) {
        cut(window, size);
        return true;
      }
      searched = window.length;
      if (window.length < max) return false;
      if (goToStart(window, "too_long", 1, window.length, 1)) return true;
      started = false;
      lost = "too_long";
      keepLookback(window, lost);
      return true;
    },
    end() {
      const reason = started ? "incomplete" : lost;
      reset();
      return reason;
    },
  };
}
