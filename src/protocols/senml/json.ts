import { type EncodeOptions, pack } from "./pack.js";
import { type ResolvedRecord, SenmlError, type SenmlRecord, type SenmlValue } from "./record.js";
import { type RawRecord, type ResolveOptions, resolve } from "./resolve.js";
import { type DecodeLimits, decodeStrictJson } from "./strict.js";

/** Reads `application/senml+json` (RFC 8428 5). Throws SenmlError. */
export function decodeSenmlJson(bytes: Uint8Array, options: ResolveOptions & DecodeLimits): ResolvedRecord[] {
  const records = decodeStrictJson(bytes, options);
  if (!Array.isArray(records)) throw new SenmlError("a SenML pack is an array of records");
  return resolve(records.map(rawRecord), options);
}

/** Writes `application/senml+json`: what it says and when it throws is at `pack`. */
export function encodeSenmlJson(records: readonly SenmlRecord[], options: EncodeOptions = {}): Uint8Array {
  const texts = pack(records, options).map((fields) =>
    JSON.stringify(Object.fromEntries([...fields].map(([label, value]) => [label, jsonValue(value)]))),
  );
  return Buffer.from(`[${texts.join(",")}]`);
}

function jsonValue(value: SenmlValue): string | number | boolean {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64url") : value;
}

function rawRecord(record: unknown, index: number): RawRecord {
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    throw new SenmlError(`record ${index + 1} is not an object`);
  }
  const fields = new Map<string, unknown>(Object.entries(record));
  const data = fields.get("vd");
  if (data !== undefined) fields.set("vd", dataOf(data, index));
  return fields;
}

/** Base64 with the URL-safe alphabet and no padding (RFC 8428 4.3, RFC 4648 5). */
function dataOf(text: unknown, index: number): Uint8Array {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
    throw new SenmlError(`record ${index + 1} has a vd that is not base64url without padding`);
  }
  return new Uint8Array(Buffer.from(text, "base64url"));
}
