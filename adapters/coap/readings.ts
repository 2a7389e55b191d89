import type { Quality, Reading, Scalar } from "../../src/core/reading.js";
import { validResourceName } from "../../src/core/topics.js";
import { checkValue, type Resource } from "../../src/profile/index.js";
import type { Posted } from "./posted.js";
import { badPayload, quoted, Refusal } from "./refusal.js";
import type { Device } from "./targets.js";

/** How many values one request may have. */
export function maxValues(device: Device): number {
  // A device may send a history of its few resources; without a profile each name may be a new topic.
  return device.profile === undefined ? 64 : 1024;
}

/** What was posted, as readings: all of it, or a Refusal is thrown. */
export function readingsOf(device: Device, posted: readonly Posted[], now: number): Reading[] {
  return posted.map((one) => (device.profile === undefined ? freely(device, one, now) : byProfile(device, one, now)));
}

function freely(device: Device, posted: Posted, now: number): Reading {
  const { resource, time, unit } = posted;
  if (!validResourceName(resource)) {
    throw badPayload(
      `${quoted(resource)} is no name for a resource: 1 to 64 of A-Z a-z 0-9 . _ - are, except "status"`,
    );
  }
  const value = posted.untyped && typeof posted.value === "string" ? plainValue(posted.value) : posted.value;
  return reading(device.id, resource, value, time ?? now, "good", unit);
}

function byProfile(device: Device, posted: Posted, now: number): Reading {
  const { resource: name, time, unit } = posted;
  const resource = device.profile?.resources.get(name);
  if (resource === undefined) {
    throw new Refusal(
      "4.04",
      "unknown_resource",
      `the profile of ${quoted(device.id)} has no resource ${quoted(name)}`,
    );
  }
  if (resource.access === "E") throw badPayload(`${quoted(name)} has no value: it can only be executed`);
  const value = converted(resource, posted);
  const { min, max, ...unbounded } = resource;
  const problem = checkValue(unbounded, value);
  if (problem !== undefined) throw badPayload(`${quoted(name)} ${problem}`);
  // As on a serial line: a value beyond its bounds was measured, but is not to be trusted.
  const quality = checkValue(resource, value) === undefined ? "good" : "uncertain";
  return reading(device.id, name, value, time ?? now, quality, unit ?? resource.unit);
}

function reading(
  device: string,
  resource: string,
  value: Scalar,
  time: number,
  quality: Quality,
  unit: string | undefined,
): Reading {
  return { device, resource, value, time, quality, ...(unit === undefined ? {} : { unit }) };
}

/** A number as JSON writes it, true, false, or else text. 007 stays text: what has leading zeros is a name. */
function plainValue(text: string): Scalar {
  const trimmed = text.trim();
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  const number = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isFinite(number) ? number : text;
}

/** The value in the type of its resource, where that can be said without a guess; else as it is. */
function converted(resource: Resource, { value, untyped }: Posted): Scalar {
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
