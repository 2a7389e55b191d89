import { type FixedFraming, fixedCutter } from "./fixed.js";
import type { FrameCheck, Framer } from "./framer.js";
import { type HeaderFraming, headerCutter, headerSize } from "./header.js";
import { type LineFraming, lineBound, lineCutter } from "./line.js";
import { type RegexFraming, regexCutter } from "./regex.js";
import { type SilenceFraming, silenceFramer } from "./silence.js";
import { type SlipFraming, slipBound, slipFramer } from "./slip.js";
import { windowFramer } from "./window.js";

export type { FixedFraming } from "./fixed.js";
export type { HeaderFraming, LengthType } from "./header.js";
export type { LineFraming } from "./line.js";
export type { RegexFraming } from "./regex.js";
export type { SilenceFraming } from "./silence.js";
export type { SlipFraming } from "./slip.js";

/** How a byte stream is cut into frames. Plain data. */
export type Framing = LineFraming | FixedFraming | HeaderFraming | SlipFraming | SilenceFraming | RegexFraming;

/** No frame of any framing may be longer, in bytes. */
export const MAX_FRAME = 65_536;
/** No start, end or delimiter may be longer, in bytes. */
export const MAX_WORD = 8;
/** No pattern's match may be longer, in bytes. */
export const MAX_LOOKBACK = 4096;

/**
 * A framer for one stream. A frame that `check` refuses is discarded as "checksum".
 * Throws a RangeError that names the option which cannot be.
 */
export function createFramer(framing: Framing, check?: FrameCheck): Framer {
  validate(framing);
  switch (framing.kind) {
    case "line":
      return windowFramer(pendingBound(framing), lineCutter(framing, check));
    case "fixed":
      return windowFramer(pendingBound(framing), fixedCutter(framing, check));
    case "header":
      return windowFramer(pendingBound(framing), headerCutter(framing, check));
    case "regex":
      return windowFramer(pendingBound(framing), regexCutter(framing, check));
    case "slip":
      return slipFramer(framing, check);
    case "silence":
      return silenceFramer(framing, check);
  }
}

/** How many bytes a framer may hold undecided at most. */
export function pendingBound(framing: Framing): number {
  switch (framing.kind) {
    case "line":
      return lineBound(framing);
    case "fixed":
      return framing.length;
    case "slip":
      return slipBound(framing);
    default:
      return framing.max;
  }
}

function validate(framing: Framing): void {
  switch (framing.kind) {
    case "line":
      word("delimiter", framing.delimiter);
      word("start", framing.start);
      integer("max", framing.max, framing.start?.length ?? 1, MAX_FRAME);
      break;
    case "fixed":
      word("start", framing.start);
      word("end", framing.end);
      integer("length", framing.length, (framing.start?.length ?? 0) + (framing.end?.length ?? 0) || 1, MAX_FRAME);
      break;
    case "header":
      word("start", framing.start);
      word("end", framing.end);
      integer("length.offset", framing.length.offset, framing.start.length, MAX_FRAME);
      integer("length.add", framing.length.add, -MAX_FRAME, MAX_FRAME);
      integer("max", framing.max, headerSize(framing) + Math.max(1, framing.end?.length ?? 0), MAX_FRAME);
      break;
    case "slip":
      integer("max", framing.max, 1, MAX_FRAME);
      break;
    case "silence":
      integer("max", framing.max, 1, MAX_FRAME);
      if (!(framing.gap > 0 && Number.isFinite(framing.gap))) throw new RangeError("gap: must be more than 0 ms");
      break;
    case "regex":
      integer("max", framing.max, 1, MAX_FRAME);
      if (framing.lookback !== undefined) integer("lookback", framing.lookback, 1, MAX_LOOKBACK);
      break;
  }
}

function integer(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${option}: must be a whole number from ${least} to ${most}`);
}

function word(option: string, value: Uint8Array | undefined): void {
  if (value === undefined || (value.length > 0 && value.length <= MAX_WORD)) return;
  throw new RangeError(`${option}: must have 1 to ${MAX_WORD} bytes`);
}
