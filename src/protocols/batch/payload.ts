/**
 * The payloads that are taken apart, and how they are put together again. A payload is taken apart only where that gives back
 * the same bytes: whoever calls `takeApart` has nothing to verify any more.
 */
import { isUtf8 } from "node:buffer";
import { wellFormed } from "./batch.js";

export type Value = number | boolean | string;

export const QUALITIES = ["good", "uncertain", "bad"] as const;
export type Quality = (typeof QUALITIES)[number];

export type Payload =
  /** `{"v":21.5,"t":1763890000123,"u":"Cel","q":"good"}`, `u` only where there is a unit; `time` in ms. */
  | {
      readonly form: "reading";
      readonly value: Value;
      readonly time: number;
      readonly unit?: string;
      readonly quality: Quality;
    }
  /** A number or `true` or `false` as JSON writes it, any other UTF-8 as the text that it is. */
  | { readonly form: "bare"; readonly value: Value }
  | { readonly form: "data"; readonly bytes: Uint8Array };

/** The longest number that ECMAScript writes has 25 characters: -1.2345678901234567e-100. */
const LONGEST_NUMBER = 25;

export function takeApart(bytes: Uint8Array): Payload {
  // From here on the text stands for exactly these bytes.
  if (!isUtf8(bytes)) return { form: "data", bytes };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  if (text.startsWith('{"v":')) {
    const reading = readingOf(text);
    if (reading !== undefined) return reading;
  }
  if (text === "true" || text === "false") return { form: "bare", value: text === "true" };
  const number = text.length <= LONGEST_NUMBER ? Number(text) : Number.NaN;
  return { form: "bare", value: Number.isFinite(number) && String(number) === text ? number : text };
}

export function putTogether(payload: Payload): Uint8Array {
  switch (payload.form) {
    case "reading":
      return Buffer.from(readingText(payload));
    case "bare":
      return Buffer.from(String(payload.value));
    case "data":
      return payload.bytes;
  }
}

type Reading = Extract<Payload, { form: "reading" }>;

function readingText({ value, time, unit, quality }: Reading): string {
  const middle = unit === undefined ? "" : `"u":${JSON.stringify(unit)},`;
  return `{"v":${JSON.stringify(value)},"t":${time},${middle}"q":"${quality}"}`;
}

function readingOf(text: string): Reading | undefined {
  let parsed: { v?: unknown; t?: unknown; u?: unknown; q?: unknown };
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { v: value, t: time, u: unit } = parsed;
  const quality = QUALITIES.find((one) => one === parsed.q);
  if (typeof value !== "number" && typeof value !== "boolean" && typeof value !== "string") return undefined;
  if (typeof time !== "number" || quality === undefined) return undefined;
  if (unit !== undefined && typeof unit !== "string") return undefined;
  // JSON can say half of a surrogate pair, by an escape; a CBOR text cannot.
  if (typeof value === "string" && !wellFormed(value)) return undefined;
  if (unit !== undefined && !wellFormed(unit)) return undefined;
  const reading: Reading = { form: "reading", value, time, ...(unit === undefined ? {} : { unit }), quality };
  return readingText(reading) === text ? reading : undefined;
}
