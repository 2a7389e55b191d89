import { type Algorithm, type CrcParameters, createCrc } from "./crc.js";
import { type BinaryCarried, type Carried, fieldSize } from "./field.js";
import { locate, type Place } from "./place.js";
import { type Complement, createSum, createXor } from "./sum.js";

/** How a device's frames are protected. Plain data. */
export interface ChecksumSpec {
  readonly algorithm:
    | { readonly kind: "sum8" | "sum16" | "xor8"; readonly complement?: Complement }
    | { readonly kind: "crc"; readonly parameters: CrcParameters };
  /** What it covers: [from, to). */
  readonly from: Place;
  readonly to: Place;
  /** Where the frame carries it, and how. */
  readonly at?: Place;
  readonly as?: Carried;
  /** Instead of `at` and `as`: what the checksum over [from, to) must come to, as it covers a byte that makes it so. */
  readonly equals?: number;
  /** With `hex`: a frame whose place `at` is followed by a line end or nothing, or is missing, is sound without a checksum. */
  readonly optional?: boolean;
}

type Carrier =
  | { readonly kind: "equals"; readonly value: number }
  | { readonly kind: "hex"; readonly at: Place; readonly digits: number }
  | { readonly kind: "field"; readonly at: Place; readonly as: BinaryCarried };

/** A specification that can be. */
export interface Prepared {
  readonly width: Width;
  /** What a frame's places span; undefined where it has no such span. */
  readonly span: (frame: Uint8Array) => Uint8Array | undefined;
  readonly compute: Algorithm;
  readonly carrier: Carrier;
}

/** In bits. */
type Width = CrcParameters["width"];

/** A marker of a place is no longer than this, in bytes. */
const MAX_MARKER = 8;

/** Throws a RangeError that names the part of the specification which cannot be. */
export function prepare(spec: ChecksumSpec): Prepared {
  const { from, to } = spec;
  checkPlace("from", from);
  checkPlace("to", to);
  if (spec.at !== undefined) checkPlace("at", spec.at);
  const { compute, width } = algorithmOf(spec);
  return {
    width,
    compute,
    carrier: carrierOf(spec, width),
    span(frame) {
      const first = locate(frame, from, "first");
      const end = locate(frame, to, "last");
      return first === undefined || end === undefined || first > end ? undefined : frame.subarray(first, end);
    },
  };
}

function algorithmOf({ algorithm }: ChecksumSpec): { readonly compute: Algorithm; readonly width: Width } {
  switch (algorithm.kind) {
    case "sum8":
      return { compute: createSum(8, algorithm.complement), width: 8 };
    case "sum16":
      return { compute: createSum(16, algorithm.complement), width: 16 };
    case "xor8":
      return { compute: createXor(algorithm.complement), width: 8 };
    case "crc":
      return { compute: createCrc(algorithm.parameters), width: algorithm.parameters.width };
  }
}

function carrierOf({ at, as, equals, optional }: ChecksumSpec, width: Width): Carrier {
  if (optional === true && as !== "hex") throw new RangeError("optional: goes with a checksum carried as hex only");
  if (equals !== undefined) {
    if (at !== undefined || as !== undefined) throw new RangeError("equals: stands instead of at and as");
    if (Number.isInteger(equals) && equals >= 0 && equals < 2 ** width) return { kind: "equals", value: equals };
    throw new RangeError(`equals: must be a whole number of ${width} bits`);
  }
  if (at === undefined) throw new RangeError("at: must say where the checksum stands, unless equals says what it is");
  if (as === undefined) throw new RangeError("as: must say how the checksum is written");
  if (as === "hex") return { kind: "hex", at, digits: width / 4 };
  if (fieldSize(as) * 8 < width) throw new RangeError(`as: a checksum of ${width} bits does not fit into ${as}`);
  return { kind: "field", at, as };
}

function checkPlace(name: string, place: Place): void {
  if (place === "end") return;
  if (typeof place === "number") {
    if (!Number.isInteger(place)) throw new RangeError(`${name}: must be a whole number of bytes`);
    return;
  }
  const { length } = "before" in place ? place.before : place.after;
  if (length < 1 || length > MAX_MARKER) throw new RangeError(`${name}: must have 1 to ${MAX_MARKER} bytes`);
}
