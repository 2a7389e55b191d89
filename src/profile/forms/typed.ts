import type { Quality, Scalar } from "../../core/reading.js";
import type { Resource } from "../profile.js";
import { checkValue } from "../resource.js";
import { badPayload, type FormValue, quoted } from "./form.js";

/** A value in the type of its resource. */
export interface TypedValue {
  readonly value: Scalar;
  /** As on a serial line, a value beyond its bounds was measured, but is not to be trusted: uncertain. */
  readonly quality: Quality;
}

/** Throws a FormError for what is nothing of the resource. */
export function typedValue(resource: Resource, given: FormValue): TypedValue {
  const name = given.resource;
  if (resource.access === "E") throw badPayload(`${quoted(name)} has no value: it can only be executed`);
  const value = converted(resource, given);
  const { min, max, ...unbounded } = resource;
  const problem = checkValue(unbounded, value);
  if (problem !== undefined) throw badPayload(`${quoted(name)} ${problem}`);
  return { value, quality: checkValue(resource, value) === undefined ? "good" : "uncertain" };
}

/** What a text says where no profile knows better: a number as JSON writes it, true, false, or else text. 007 stays text. */
export function plainValue({ value, untyped }: FormValue): Scalar {
  if (!untyped || typeof value !== "string") return value;
  const trimmed = value.trim();
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  const number = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isFinite(number) ? number : value;
}

/** The value in the type of its resource, where that can be said without a guess; else as it is. */
function converted(resource: Resource, { value, untyped }: FormValue): Scalar {
  switch (resource.type) {
    case "number":
    case "integer":
      return untyped && typeof value === "string" ? numberOf(value) : value;
    case "boolean":
      if (untyped && typeof value === "string") return booleanOf(value.trim());
      // SenML says a switch as 0 or 1 (RFC 8428 5.1.7).
      return value === 0 || value === 1 ? value === 1 : value;
    case "string":
      return value;
    case "bytes":
      return typeof value === "string" ? bytesOf(value, untyped) : value;
  }
}

function numberOf(text: string): Scalar {
  return /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text.trim()) ? Number(text.trim()) : text;
}

function booleanOf(text: string): Scalar {
  if (text === "true" || text === "1") return true;
  return text === "false" || text === "0" ? false : text;
}

/** Plain text is its bytes; JSON has no bytes: base64 (RFC 4648 4), as in what Weir publishes. */
function bytesOf(text: string, untyped: boolean): Scalar {
  if (untyped) return Uint8Array.from(Buffer.from(text));
  const sound = /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0;
  return sound ? Uint8Array.from(Buffer.from(text, "base64")) : text;
}
