import { shortestFloat32 } from "../decimal.js";
import { type BinaryField, INTEGER_TYPE } from "../schema/fields.js";
import { narrow, numberOf, type Raw, showRaw } from "../value.js";
import type { Layout } from "./layout.js";

/** One value at a fixed place of some bytes. */
export interface BinaryPlace {
  /** Undefined where the bytes end before it, or where its digits are none. */
  read(bytes: Uint8Array): Raw | undefined;
  /** In place. Throws a RangeError for a value that has no room. */
  write(bytes: Uint8Array, value: Raw): void;
}

/** How the bytes of one place, cut out, stand for a value. */
interface Codec {
  readonly size: number;
  read(bytes: Uint8Array): Raw | undefined;
  write(bytes: Uint8Array, value: Raw): void;
}

/** The number that is written; enumerations give it as text. */
function numeric(value: Raw): number | bigint {
  const number = typeof value === "boolean" ? Number(value) : typeof value === "string" ? numberOf(value) : value;
  if (typeof number === "number" && !Number.isNaN(number)) return number;
  if (typeof number === "bigint") return number;
  throw new RangeError(`${showRaw(value)} is not a number`);
}

function wholeNumber(value: Raw): bigint {
  const number = numeric(value);
  return typeof number === "bigint" ? number : BigInt(Math.round(number));
}

/** Bytes, most significant first, as an unsigned number. Beyond 6 bytes a double may not hold it. */
function unsigned(bytes: Uint8Array, little: boolean): bigint {
  let value = 0n;
  for (let index = 0; index < bytes.length; index += 1) {
    value = (value << 8n) | BigInt(bytes[little ? bytes.length - 1 - index : index] ?? 0);
  }
  return value;
}

function setUnsigned(bytes: Uint8Array, little: boolean, value: bigint): void {
  let rest = value;
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[little ? index : bytes.length - 1 - index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

function checkRange(value: bigint, least: bigint, most: bigint, type: string): void {
  if (value < least || value > most) throw new RangeError(`${value} does not fit ${type} (${least} to ${most})`);
}

function integer(type: string, signed: boolean, bits: number, little: boolean): Codec {
  const span = 1n << BigInt(bits);
  const [least, most] = signed ? [-span / 2n, span / 2n - 1n] : [0n, span - 1n];
  return {
    size: bits / 8,
    read(bytes) {
      const value = unsigned(bytes, little);
      return narrow(value > most ? value - span : value);
    },
    write(bytes, value) {
      const whole = wholeNumber(value);
      checkRange(whole, least, most, type);
      setUnsigned(bytes, little, whole < 0n ? whole + span : whole);
    },
  };
}

/** Some bits of an unsigned integer; writing leaves the others as they are. */
function bitField(size: number, little: boolean, bit: number, width: number): Codec {
  const shift = BigInt(bit);
  const mask = (1n << BigInt(width)) - 1n;
  return {
    size,
    read: (bytes) => narrow((unsigned(bytes, little) >> shift) & mask),
    write(bytes, value) {
      const whole = wholeNumber(value);
      checkRange(whole, 0n, mask, `${width} bits`);
      setUnsigned(bytes, little, (unsigned(bytes, little) & ~(mask << shift)) | (whole << shift));
    },
  };
}

function float(bits: 32 | 64, little: boolean): Codec {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    size: bits / 8,
    read: (bytes) =>
      bits === 32 ? shortestFloat32(view(bytes).getFloat32(0, little)) : view(bytes).getFloat64(0, little),
    write(bytes, value) {
      const number = Number(numeric(value));
      if (bits === 32) view(bytes).setFloat32(0, number, little);
      else view(bytes).setFloat64(0, number, little);
    },
  };
}

/** Two decimal digits a byte, the tens in the upper half. */
function decimalDigits(size: number, little: boolean): Codec {
  const most = 10n ** BigInt(size * 2) - 1n;
  return {
    size,
    read(bytes) {
      const digits = unsigned(bytes, little).toString(16);
      return /^\d+$/.test(digits) ? narrow(BigInt(digits)) : undefined;
    },
    write(bytes, value) {
      const whole = wholeNumber(value);
      checkRange(whole, 0n, most, `${size * 2} decimal digits`);
      setUnsigned(bytes, little, BigInt(`0x${whole}`));
    },
  };
}

const BLANK = 0x20;

/** Text, filled up with blanks or NULs. */
function ascii(size: number): Codec {
  return {
    size,
    read: (bytes) =>
      Buffer.from(bytes)
        .toString("latin1")
        .replace(/[\0 ]+$/, ""),
    write(bytes, value) {
      const text = value instanceof Uint8Array ? value : Buffer.from(String(value), "latin1");
      if (text.length > size) throw new RangeError(`${showRaw(value)} is longer than ${size} characters`);
      bytes.fill(BLANK);
      bytes.set(text);
    },
  };
}

function opaque(size: number): Codec {
  return {
    size,
    read: (bytes) => bytes.slice(),
    write(bytes, value) {
      if (!(value instanceof Uint8Array) || value.length !== size) throw new RangeError(`must be ${size} bytes`);
      bytes.set(value);
    },
  };
}

function codecOf(field: BinaryField): Codec {
  const size = field.length ?? 1;
  const [, sign, layout = ""] = INTEGER_TYPE.exec(field.type) ?? [];
  const little = field.type.endsWith("le");
  if (sign !== undefined) {
    const bits = Number.parseInt(layout, 10);
    if (field.bit !== undefined) return bitField(bits / 8, little, field.bit, field.width ?? 1);
    return integer(field.type, sign === "s", bits, little);
  }
  if (field.type.startsWith("f")) return float(field.type.startsWith("f32") ? 32 : 64, little);
  if (field.type.startsWith("bcd")) return decimalDigits(size, little);
  return field.type === "ascii" ? ascii(size) : opaque(size);
}

export function binaryPlace(field: BinaryField): BinaryPlace {
  const codec = codecOf(field);
  function cut(bytes: Uint8Array): Uint8Array | undefined {
    const at = field.at < 0 ? bytes.length + field.at : field.at;
    return at < 0 || at + codec.size > bytes.length ? undefined : bytes.subarray(at, at + codec.size);
  }
  return {
    read(bytes) {
      const place = cut(bytes);
      return place === undefined ? undefined : codec.read(place);
    },
    write(bytes, value) {
      const place = cut(bytes);
      if (place === undefined)
        throw new RangeError(`there is no byte ${field.at}: the frame has ${bytes.length} bytes`);
      codec.write(place, value);
    },
  };
}

/** Values at fixed places. A frame that is too short for one of them is not this message. */
export function binaryLayout(section: Readonly<Record<string, BinaryField>>): Layout {
  const places = new Map(Object.entries(section).map(([resource, field]) => [resource, binaryPlace(field)]));
  return {
    fields: new Map(Object.entries(section)),
    read({ bytes }) {
      const raws = new Map<string, Raw>();
      for (const [resource, place] of places) {
        const raw = place.read(bytes);
        if (raw === undefined) return { reason: `a frame of ${bytes.length} bytes carries no ${resource}` };
        raws.set(resource, raw);
      }
      return raws;
    },
    write({ bytes }, values) {
      const written = bytes.slice();
      for (const [resource, value] of values) places.get(resource)?.write(written, value);
      return written;
    },
  };
}
