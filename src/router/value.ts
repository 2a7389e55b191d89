import { parseDuration } from "../core/duration.js";
import { WeirError } from "../core/errors.js";
import type { Scalar } from "../core/reading.js";

/** The types that a profile gives its resources. */
export type ResourceType = "number" | "integer" | "boolean" | "string" | "bytes";

/**
 * The value that was meant, in the type that the resource has: people and brokers' tools send `on`, `"25"` or `1`.
 * Without a type it stays as it is. Throws VALUE_INVALID; a range is the profile's to check.
 */
export function convert(value: Scalar, type: ResourceType | undefined): Scalar {
  switch (type) {
    case undefined:
      return value;
    case "number":
      return toNumber(value, "a number");
    case "integer": {
      const number = toNumber(value, "a whole number");
      if (!Number.isSafeInteger(number)) throw misfit(value, "a whole number");
      return number;
    }
    case "boolean":
      return toBoolean(value);
    case "string":
      return value instanceof Uint8Array ? misfitNow(value, "text") : String(value);
    case "bytes":
      return value instanceof Uint8Array ? value : toBytes(value);
  }
}

const LONGEST_NUMBER = 64; // characters

function toNumber(value: Scalar, what: string): number {
  if (typeof value === "number") return value;
  const text = typeof value === "string" ? value.trim() : "";
  const number = text === "" || text.length > LONGEST_NUMBER ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : misfitNow(value, what);
}

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["off", false],
  ["0", false],
]);

function toBoolean(value: Scalar): boolean {
  if (typeof value === "boolean") return value;
  const known = value instanceof Uint8Array ? undefined : WORDS.get(String(value).trim().toLowerCase());
  return known ?? misfitNow(value, "true or false (on, off, 1 and 0 will do)");
}

/** Base64, padded or not. Node would skip what does not belong there. */
function toBytes(value: Scalar): Uint8Array {
  const sound =
    typeof value === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.replaceAll("=", "").length % 4 !== 1;
  return sound ? Buffer.from(value, "base64") : misfitNow(value, "bytes in base64");
}

function misfit(value: Scalar, what: string): WeirError {
  const shown = value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value).slice(0, 40);
  return new WeirError("VALUE_INVALID", `the value must be ${what}, not ${shown}`);
}

function misfitNow(value: Scalar, what: string): never {
  throw misfit(value, what);
}

/** The ms of `500ms`, `5s`, `1m`, `1h`. Throws COMMAND_INVALID. */
export function parseTimeout(timeout: unknown): number {
  const ms = typeof timeout === "string" ? parseDuration(timeout) : undefined;
  if (ms !== undefined && ms > 0) return ms;
  throw new WeirError("COMMAND_INVALID", 'the timeout must be a time with its unit, such as "5s" or "500ms"');
}
