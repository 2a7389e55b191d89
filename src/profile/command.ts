import type { Scalar } from "../core/reading.js";
import { binaryPlace } from "./layout/binary.js";
import { formatNumber } from "./layout/spans.js";
import type { Resource } from "./profile.js";
import type { BinaryField, PlaceholderField, Rule } from "./schema/fields.js";
import { type CommandSection, PLACEHOLDER } from "./schema/serial.js";
import { interpret, type Raw, toRaw } from "./value.js";
import type { Seal } from "./wire.js";

/** One command, ready to be encoded, and to be understood by a simulated device. Not wrapped by the framing. */
export interface Command {
  /** Throws a RangeError that says why the value cannot be sent, as the end of a sentence that names the resource. */
  encode(value: Scalar | undefined): Uint8Array;
  /** What a request says, if it is this command: the value, or undefined where the command has none. */
  understand(request: Uint8Array): { readonly value: Scalar | undefined } | undefined;
  /** Whether it carries a value. */
  readonly carriesValue: boolean;
}

/** A text command's value can have so many characters. */
const MAX_TEXT = 256;

export function isBinary(field: BinaryField | PlaceholderField): field is BinaryField {
  return "at" in field;
}

function rawOf(value: Scalar, rule: Rule): Raw {
  const raw = toRaw(value, rule);
  if (raw === undefined) {
    throw new RangeError(`must be one of ${Object.values(rule.enum ?? {}).join(", ")}, not ${String(value)}`);
  }
  return raw;
}

function required(value: Scalar | undefined): Scalar {
  if (value === undefined) throw new RangeError("needs a value");
  return value;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function readValue(raw: Raw | undefined, rule: Rule, resource: Resource): Scalar | undefined {
  const interpreted = raw === undefined ? undefined : interpret(raw, rule, resource);
  return interpreted?.kind === "value" ? interpreted.value : undefined;
}

/** Always the same bytes. */
function constantCommand(request: Uint8Array, seal: Seal): Command {
  const sealed = seal(request);
  return {
    encode: () => sealed,
    understand: (received) => (equal(received, sealed) ? { value: undefined } : undefined),
    carriesValue: false,
  };
}

function binaryCommand(request: Uint8Array, field: BinaryField, resource: Resource, seal: Seal): Command {
  const place = binaryPlace(field);
  function encode(value: Scalar | undefined): Uint8Array {
    const bytes = request.slice();
    place.write(bytes, rawOf(required(value), field));
    return seal(bytes);
  }
  return {
    encode,
    understand(received) {
      const value = readValue(place.read(received), field, resource);
      try {
        return value !== undefined && equal(received, encode(value)) ? { value } : undefined;
      } catch {
        // What stands there cannot be written: this is another command.
        return undefined;
      }
    },
    carriesValue: true,
  };
}

/** One value as it looks in a command. A control character would let a value end the command and begin another. */
function formatValue(value: Scalar, field: PlaceholderField): string {
  const raw = rawOf(value, field);
  if (typeof raw === "number") {
    if (field.base !== 16) return formatNumber(raw, field.decimals, field.width ?? 0);
    return Math.round(raw)
      .toString(16)
      .toUpperCase()
      .padStart(field.width ?? 0, "0");
  }
  const text = raw instanceof Uint8Array ? Buffer.from(raw).toString("hex").toUpperCase() : String(raw);
  if (/\p{Cc}/u.test(text)) throw new RangeError("must have no control characters");
  if (text.length > MAX_TEXT) throw new RangeError(`must be at most ${MAX_TEXT} characters long`);
  return text;
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder();

/** How a value stands in a text, and is read there. */
interface Notation {
  write(value: Scalar, field: PlaceholderField): string;
  read(text: string): Raw | undefined;
}

const PLAIN: Notation = { write: formatValue, read: (text) => text };

/** A JSON value, whatever is in it: a text keeps its quotes, and cannot end the string that it is. */
const JSON_VALUE: Notation = {
  write(value, field) {
    const raw = rawOf(value, field);
    if (typeof raw === "number") return formatNumber(raw, field.decimals, 0);
    if (typeof raw === "boolean") return String(raw);
    const text = raw instanceof Uint8Array ? Buffer.from(raw).toString("base64") : String(raw);
    if (text.length > MAX_TEXT) throw new RangeError(`must be at most ${MAX_TEXT} characters long`);
    return JSON.stringify(text);
  },
  read(text) {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : undefined;
    } catch {
      return undefined; // the answer of this function, not a failure
    }
  },
};

function textCommand(
  request: Uint8Array,
  field: PlaceholderField,
  resource: Resource,
  seal: Seal,
  notation: Notation,
): Command {
  const template = decoder.decode(request);
  const at = template.indexOf(PLACEHOLDER);
  const before = template.slice(0, at);
  const after = template.slice(at + PLACEHOLDER.length);
  function encode(value: Scalar | undefined): Uint8Array {
    return seal(utf8.encode(before + notation.write(required(value), field) + after));
  }
  return {
    encode,
    understand(received) {
      const text = decoder.decode(received);
      // What follows the value may hold a checksum: that the whole comes out the same is what counts.
      const end = text.length - after.length;
      const named = text.startsWith(before) && end >= before.length;
      const value = named ? readValue(notation.read(text.slice(before.length, end)), field, resource) : undefined;
      try {
        return value !== undefined && equal(received, encode(value)) ? { value } : undefined;
      } catch {
        // What stands there cannot be written: this is another command.
        return undefined;
      }
    },
    carriesValue: true,
  };
}

/** What is sent, and where the value goes. */
export type Template = Pick<CommandSection, "request" | "value" | "isText">;

const PLAIN_TEXT: PlaceholderField = { scale: 1, offset: 0, invalid: [], base: 10 };

/** `json`: a text with {value} is JSON. */
export function compileCommand(section: Template, resource: Resource, seal: Seal, json = false): Command {
  const { request, value } = section;
  if (section.isText && decoder.decode(request).includes(PLACEHOLDER)) {
    const field = value === undefined || isBinary(value) ? PLAIN_TEXT : value;
    return textCommand(request, field, resource, seal, json ? JSON_VALUE : PLAIN);
  }
  if (value !== undefined && isBinary(value)) return binaryCommand(request, value, resource, seal);
  return constantCommand(request, seal);
}
