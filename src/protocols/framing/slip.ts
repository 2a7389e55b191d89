import type { DiscardReason, FrameCheck, Framer, FramerOutput } from "./framer.js";
import { Outputs } from "./outputs.js";

/**
 * SLIP (RFC 1055): END closes a frame, ESC hides END and ESC within it.
 *
 * An END before a frame belongs to it, as senders write one to flush line noise; more of them in a row are noise.
 */
export interface SlipFraming {
  readonly kind: "slip";
  /** The longest frame in bytes, without escapes. */
  readonly max: number;
}

const END = 0xc0;
const ESC = 0xdb;
const ESC_END = 0xdc;
const ESC_ESC = 0xdd;

/** One END before, and every byte escaped; the byte that passes it decides. */
export function slipBound({ max }: SlipFraming): number {
  return 2 * max + 2;
}

export function slipFramer({ max }: SlipFraming, check: FrameCheck | undefined): Framer {
  const frame = new Uint8Array(max);
  const outputs = new Outputs();
  let length = 0;
  /** Bytes of the stream that the frame has taken so far. */
  let size = 0;
  let escaped = false;
  /** Set while the rest of a spoilt frame is thrown away, up to its END. */
  let spoilt: DiscardReason | undefined;

  function drop(reason: DiscardReason): void {
    outputs.discard(reason, size);
    length = 0;
    size = 0;
    escaped = false;
  }

  function spoil(reason: DiscardReason): void {
    drop(reason);
    spoilt = reason;
  }

  function close(): void {
    const bytes = frame.subarray(0, length);
    if (check !== undefined && !check(bytes)) {
      drop("checksum");
      return;
    }
    outputs.frame(bytes.slice(), size);
    length = 0;
    size = 0;
  }

  function take(byte: number): void {
    size += 1;
    if (spoilt !== undefined) {
      drop(spoilt);
      if (byte === END) spoilt = undefined;
    } else if (escaped) {
      escaped = false;
      if (byte === ESC_END) append(END);
      else if (byte === ESC_ESC) append(ESC);
      else if (byte === END) drop("malformed");
      else spoil("malformed");
    } else if (byte === ESC) {
      escaped = true;
    } else if (byte !== END) {
      append(byte);
    } else if (length > 0) {
      close();
    } else if (size > 1) {
      // A second END in a row: the one before it flushed nothing.
      outputs.discard("noise", 1);
      size = 1;
    }
  }

  function append(byte: number): void {
    if (length === max) {
      spoil("too_long");
      return;
    }
    frame[length] = byte;
    length += 1;
  }

  return {
    push(chunk) {
      for (const byte of chunk) take(byte);
      return outputs.take();
    },
    deadline: undefined,
    tick: (): FramerOutput[] => [],
    end() {
      drop(length > 0 || escaped ? "incomplete" : "noise");
      spoilt = undefined;
      return outputs.take();
    },
    get pending() {
      return size;
    },
  };
}
