import type { Quality, Scalar } from "../core/reading.js";
import { fromDdmm, inverse, linear, roundTo, toDdmm } from "./decimal.js";
import type { Resource } from "./profile.js";
import type { Rule } from "./schema/fields.js";
import { parseHex, showHex } from "./schema/text.js";

/**
 * What stands in a message before scale and enumeration. Whole numbers that a number cannot hold are bigints; null is
 * JSON's.
 */
export type Raw = number | bigint | string | boolean | Uint8Array | null;

export type Interpreted =
  | { readonly kind: "value"; readonly value: Scalar; readonly quality: Quality }
  /** The device says that it has no value. */
  | { readonly kind: "none" }
  | { readonly kind: "bad"; readonly reason: string };

const NONE: Interpreted = { kind: "none" };
const bad = (reason: string): Interpreted => ({ kind: "bad", reason });
const good = (value: Scalar): Interpreted => ({ kind: "value", value, quality: "good" });

/** Texts of hostile devices are cut to this many characters in messages. */
const SHOWN = 40;

export function showRaw(raw: Raw): string {
  if (raw instanceof Uint8Array) return showHex(raw.subarray(0, SHOWN / 2));
  if (typeof raw === "string") return JSON.stringify(raw.slice(0, SHOWN));
  return String(raw);
}

/** How `enum` and `invalid` name a raw value. */
function keyOf(raw: Raw): string {
  return raw instanceof Uint8Array ? showHex(raw) : String(raw).trim();
}

const DECIMAL = /^[-+]?(\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?$/;
const WHOLE = /^[-+]?\d+$/;
const HEXADECIMAL = /^[-+]?(?:0[xX])?([0-9A-Fa-f]+)$/;
/** No number that anything measures has more characters. */
const LONGEST_NUMBER = 64;

/** The number that a text says in full, or undefined. Whole numbers beyond 2^53 come as bigints. */
export function numberOf(text: string, base: 10 | 16 = 10): number | bigint | undefined {
  const digits = text.trim();
  if (digits.length > LONGEST_NUMBER) return undefined;
  if (base === 16) {
    const hexadecimal = HEXADECIMAL.exec(digits)?.[1];
    if (hexadecimal === undefined) return undefined;
    return narrow(BigInt(`0x${hexadecimal}`) * (digits.startsWith("-") ? -1n : 1n));
  }
  if (!DECIMAL.test(digits)) return undefined;
  const number = Number(digits);
  if (!Number.isFinite(number)) return undefined;
  if (!Number.isSafeInteger(number) && WHOLE.test(digits)) return narrow(BigInt(digits.replace(/^\+/, "")));
  return number;
}

/** A number where one can hold it exactly. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const WORDS: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  on: true,
  yes: true,
  "0": false,
  false: false,
  off: false,
  no: false,
};

function booleanOf(raw: Raw): boolean | undefined {
  const word = keyOf(raw).toLowerCase();
  return Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
}

function bytesOf(raw: Raw): Uint8Array | undefined {
  if (raw instanceof Uint8Array) return raw;
  return typeof raw === "string" ? parseHex(raw) : undefined;
}

function interpretNumber(raw: Raw, rule: Rule, resource: Resource): Interpreted {
  const parsed = typeof raw === "string" ? numberOf(raw, rule.base) : raw;
  if (typeof parsed !== "number" && typeof parsed !== "bigint") return bad(`${showRaw(raw)} is not a number`);
  // A float's way to say that there is no value.
  if (Number.isNaN(parsed)) return NONE;
  let number: number | undefined = Number(parsed);
  if (!Number.isFinite(number)) return bad(`${showRaw(raw)} is not a number`);
  if (rule.format === "ddmm") number = fromDdmm(number);
  if (number === undefined) return bad(`${showRaw(raw)} is not an angle in degrees and minutes`);
  const scaled = linear(number, rule.scale, rule.offset);
  const value = rule.decimals === undefined ? scaled : roundTo(scaled, rule.decimals);
  if (resource.type === "integer" && !Number.isInteger(value)) return bad(`${value} is not a whole number`);
  const exact = typeof parsed === "number";
  const inRange = value >= (resource.min ?? -Infinity) && value <= (resource.max ?? Infinity);
  return { kind: "value", value, quality: exact && inRange ? "good" : "uncertain" };
}

function interpretString(raw: Raw, rule: Rule): Interpreted {
  if (raw instanceof Uint8Array) return good(showHex(raw));
  if (typeof raw === "string") return good(raw.trim());
  if (typeof raw === "number") return good(String(linear(raw, rule.scale, rule.offset)));
  return good(String(raw));
}

/** The reading that a raw value stands for. Never throws. */
export function interpret(raw: Raw, rule: Rule, resource: Resource): Interpreted {
  const key = keyOf(raw);
  if (key === "" || raw === null || rule.invalid.some((invalid) => String(invalid) === key)) return NONE;
  if (rule.enum !== undefined) {
    const listed = Object.hasOwn(rule.enum, key) ? rule.enum[key] : undefined;
    if (listed !== undefined) return good(listed);
  }
  const value = convert(raw, rule, resource);
  // The device says something that the profile does not know: pass it on, but do not vouch for it.
  return rule.enum !== undefined && value.kind === "value" ? { ...value, quality: "uncertain" } : value;
}

function convert(raw: Raw, rule: Rule, resource: Resource): Interpreted {
  switch (resource.type) {
    case "number":
    case "integer":
      return interpretNumber(raw, rule, resource);
    case "boolean": {
      const value = booleanOf(raw);
      return value === undefined ? bad(`${showRaw(raw)} is neither true nor false`) : good(value);
    }
    case "bytes": {
      const value = bytesOf(raw);
      return value === undefined ? bad(`${showRaw(raw)} are not bytes`) : good(value);
    }
    case "string":
      return interpretString(raw, rule);
  }
}

/** The raw value that stands for a value: the other way around. Undefined where an enumeration does not list it. */
export function toRaw(value: Scalar, rule: Rule): Raw | undefined {
  if (rule.enum !== undefined) {
    const entry = Object.entries(rule.enum).find(([, listed]) => listed === value);
    return entry?.[0];
  }
  if (typeof value !== "number") return value;
  const raw = inverse(value, rule.scale, rule.offset);
  // Eight decimals of a minute are 0.02 mm; the message's own digits round it.
  return rule.format === "ddmm" ? toDdmm(raw, 8) : raw;
}
