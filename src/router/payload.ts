/**
 * The payloads of readings, byte by byte.
 *
 * value    the scalar alone: `21.5`, `true`, `on`; bytes as they are
 * json     `{"v":21.5,"t":1763890000123,"u":"Cel","q":"good"}`: always in this order, so that equal readings are equal bytes;
 *          without a unit there is no `u`; bytes are base64
 * object   `{"t":1763890000123,"pm1_0":1,"pm2_5":2}`: `t` is the latest time among them, then the resources in the order of
 *          the batch; where some are not good a last key names these: `"q":{"pm2_5":"bad"}`
 * senml    an RFC 8428 pack in JSON: the device's name is the base name, the first time the base time. SenML has no place
 *          for a quality
 *
 * JSON has no NaN and no infinity: such a number is `null` with quality `bad`, also as a plain value. SenML cannot say it
 * at all: `encodable` tells.
 */
import type { Quality, Reading, Scalar } from "../core/reading.js";
import { encodeSenmlJson } from "../protocols/senml/index.js";

/** A scalar as JSON: bytes in base64, what is no number as null. */
export function scalarJson(value: Scalar): string {
  return JSON.stringify(value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value);
}

/** A number that is none is bad, whatever its source thinks of it. */
function qualityOf(reading: Reading): Quality {
  return typeof reading.value === "number" && !Number.isFinite(reading.value) ? "bad" : reading.quality;
}

export function valuePayload(value: Scalar): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return Buffer.from(typeof value === "string" ? value : scalarJson(value));
}

export function jsonPayload(reading: Reading): Uint8Array {
  const unit = reading.unit === undefined ? "" : `"u":${JSON.stringify(reading.unit)},`;
  const time = Math.round(reading.time);
  return Buffer.from(`{"v":${scalarJson(reading.value)},"t":${time},${unit}"q":"${qualityOf(reading)}"}`);
}

/** Keys of an object that a resource cannot have. */
export const OBJECT_KEYS: readonly string[] = ["t", "q"];

/** One reading of each resource at most. Written as text, for an object would put a resource named `1` in front. */
export function objectPayload(readings: readonly Reading[]): Uint8Array {
  const time = readings.reduce(
    (latest, reading) => Math.max(latest, Math.round(reading.time)),
    Number.NEGATIVE_INFINITY,
  );
  const values = readings.map((reading) => `,${JSON.stringify(reading.resource)}:${scalarJson(reading.value)}`);
  const faults = readings.filter((reading) => qualityOf(reading) !== "good");
  const qualities = faults.map((reading) => `${JSON.stringify(reading.resource)}:"${qualityOf(reading)}"`);
  return Buffer.from(`{"t":${time}${values.join("")}${faults.length > 0 ? `,"q":{${qualities.join(",")}}` : ""}}`);
}

/** Whether SenML can say it: JSON and CBOR numbers there are finite (RFC 8428 5 and 6). */
export function encodable(reading: Reading): boolean {
  return typeof reading.value !== "number" || Number.isFinite(reading.value);
}

/** Readings of one device, all `encodable`; its name and theirs begin with a letter or digit (RFC 8428 4.5.1). */
export function senmlPayload(device: string, readings: readonly Reading[]): Uint8Array {
  const baseName = `${device}/`;
  const records = readings.map(({ resource, value, time, unit }) => {
    return { name: baseName + resource, value, time, ...(unit === undefined ? {} : { unit }) };
  });
  return encodeSenmlJson(records, { baseName });
}
