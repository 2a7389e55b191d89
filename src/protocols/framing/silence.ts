import type { FrameCheck, Framer } from "./framer.js";
import { Outputs } from "./outputs.js";

/**
 * Frames that are told apart by a pause on the line, as Modbus RTU does (Modbus over Serial Line 1.02, 2.5.1.1).
 *
 * Time is that of the chunks' arrival: operating systems and USB adapters deliver in bursts some ms apart, so that a
 * `gap` below about 20 ms is not to be trusted and a check should stand behind it.
 */
export interface SilenceFraming {
  readonly kind: "silence";
  /** The shortest pause between frames, in ms. */
  readonly gap: number;
  /** The longest frame in bytes. What is longer is thrown away up to the next pause. */
  readonly max: number;
}

export function silenceFramer({ gap, max }: SilenceFraming, check: FrameCheck | undefined): Framer {
  const frame = new Uint8Array(max);
  const outputs = new Outputs();
  let length = 0;
  /** ms, when the last bytes came. */
  let last = Number.NEGATIVE_INFINITY;
  let tooLong = false;

  function close(): void {
    tooLong = false;
    if (length === 0) return;
    const bytes = frame.subarray(0, length);
    if (check === undefined || check(bytes)) outputs.frame(bytes.slice(), length);
    else outputs.discard("checksum", length);
    length = 0;
  }

  function tick(now: number): void {
    if (now - last >= gap) close();
  }

  return {
    push(chunk, now) {
      tick(now);
      if (chunk.length === 0) return outputs.take();
      last = now;
      if (length + chunk.length > max) tooLong = true;
      if (tooLong) {
        outputs.discard("too_long", length + chunk.length);
        length = 0;
      } else {
        frame.set(chunk, length);
        length += chunk.length;
      }
      return outputs.take();
    },
    get deadline() {
      return length > 0 ? last + gap : undefined;
    },
    tick(now) {
      tick(now);
      return outputs.take();
    },
    end() {
      close();
      return outputs.take();
    },
    get pending() {
      return length;
    },
  };
}
