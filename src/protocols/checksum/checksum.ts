import type { Algorithm } from "./crc.js";
import { countHexDigits, fieldSize, formatHex, readField, readHex, writeField } from "./field.js";
import { locate } from "./place.js";
import { type ChecksumSpec, prepare } from "./spec.js";

export type { Carried } from "./field.js";
export type { Place } from "./place.js";
export type { ChecksumSpec } from "./spec.js";

const CR = 0x0d;
const LF = 0x0a;

/**
 * A check that never throws: a frame without the places is not sound. Hex digits may be upper or lower case, and may
 * lack leading zeros, as some meters leave them out.
 * Throws a RangeError that names the part of the specification which cannot be.
 */
export function verifier(spec: ChecksumSpec): (frame: Uint8Array) => boolean {
  const { span, compute, carrier } = prepare(spec);
  const holds = (frame: Uint8Array, expected: number | undefined): boolean => {
    const covered = span(frame);
    return covered !== undefined && compute(covered) === expected;
  };
  switch (carrier.kind) {
    case "equals":
      return (frame) => holds(frame, carrier.value);
    case "hex":
      return (frame) => {
        const at = locate(frame, carrier.at, "last");
        const count = at === undefined ? 0 : countHexDigits(frame, at, carrier.digits);
        if (at === undefined || count === 0) return spec.optional === true && endsAt(frame, at ?? frame.length);
        return holds(frame, readHex(frame, at, count));
      };
    case "field":
      return (frame) => {
        const at = locate(frame, carrier.at, "last");
        return at !== undefined && holds(frame, readField(frame, at, carrier.as));
      };
  }
}

/**
 * Writes the checksum into a copy of a frame: a binary field over what stands there; hex in place of the digits that
 * stand there, or between its neighbours where none do; with `equals` into the last byte of what is covered.
 * Throws a RangeError for a specification that cannot be, and the sealer throws one for a frame without the places.
 */
export function sealer(spec: ChecksumSpec): (frame: Uint8Array) => Uint8Array {
  const { span, compute, carrier, width } = prepare(spec);
  switch (carrier.kind) {
    case "equals":
      if (width !== 8) throw new RangeError("equals: one byte can only bring a checksum of 8 bits to a value");
      return (frame) => {
        const sealed = new Uint8Array(frame);
        balance(present(span(sealed)), compute, carrier.value);
        return sealed;
      };
    case "hex":
      return (frame) => {
        const at = present(locate(frame, carrier.at, "last"));
        const rest = frame.subarray(at + countHexDigits(frame, at, carrier.digits));
        const sealed = new Uint8Array(at + carrier.digits + rest.length);
        sealed.set(frame.subarray(0, at));
        sealed.set(rest, at + carrier.digits);
        // Only now does the span lie where a receiver will find it.
        sealed.set(formatHex(compute(present(span(sealed))), carrier.digits), at);
        return sealed;
      };
    case "field":
      return (frame) => {
        const at = present(locate(frame, carrier.at, "last"));
        if (at + fieldSize(carrier.as) > frame.length) throw unsealable();
        const sealed = new Uint8Array(frame);
        writeField(sealed, at, carrier.as, compute(present(span(frame))));
        return sealed;
      };
  }
}

/** Nothing but a line end follows. */
function endsAt(frame: Uint8Array, at: number): boolean {
  return frame.subarray(at).every((byte) => byte === CR || byte === LF);
}

/** Sets the last byte of a view so that its checksum comes to `value`: with 8 bits, one of its values does. */
function balance(covered: Uint8Array, compute: Algorithm, value: number): void {
  if (covered.length === 0) throw unsealable();
  for (let byte = 0; byte < 256; byte += 1) {
    covered[covered.length - 1] = byte;
    if (compute(covered) === value) return;
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw unsealable();
  return value;
}

function unsealable(): RangeError {
  return new RangeError("the frame to seal lacks a place of its checksum: give it the bytes that from, to and at name");
}
