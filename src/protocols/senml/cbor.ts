import { encode } from "cborg";
import { type EncodeOptions, pack } from "./pack.js";
import { CBOR_LABELS, type ResolvedRecord, SenmlError, type SenmlRecord } from "./record.js";
import { type RawRecord, type ResolveOptions, resolve } from "./resolve.js";
import { type DecodeLimits, decodeStrictCbor } from "./strict.js";

const LABEL_OF: ReadonlyMap<number, string> = new Map(Object.entries(CBOR_LABELS).map(([label, key]) => [key, label]));

/** Reads `application/senml+cbor` (RFC 8428 6). Throws SenmlError. */
export function decodeSenmlCbor(bytes: Uint8Array, options: ResolveOptions & DecodeLimits): ResolvedRecord[] {
  const records = decodeStrictCbor(bytes, options);
  if (!Array.isArray(records)) throw new SenmlError("a SenML pack is an array of records");
  return resolve(records.map(rawRecord), options);
}

/** Writes `application/senml+cbor`: what it says and when it throws is at `pack`. */
export function encodeSenmlCbor(records: readonly SenmlRecord[], options: EncodeOptions = {}): Uint8Array {
  return encode(
    pack(records, options).map(
      (fields) => new Map([...fields].map(([label, value]) => [CBOR_LABELS[label], value] as const)),
    ),
  );
}

/** Integer labels become the text they stand for. The table of RFC 8428 6 is closed: other integers, and its labels as text, mean nothing. */
function rawRecord(record: unknown, index: number): RawRecord {
  if (!(record instanceof Map)) throw new SenmlError(`record ${index + 1} is not a map`);
  const fields = new Map<string, unknown>();
  for (const [key, value] of record as Map<unknown, unknown>) {
    if (typeof key === "number") {
      const label = LABEL_OF.get(key);
      if (label !== undefined) fields.set(label, value);
    } else if (typeof key === "string") {
      if (!Object.hasOwn(CBOR_LABELS, key)) fields.set(key, value);
    } else {
      throw new SenmlError(`record ${index + 1} has a label that is neither an integer nor a text`);
    }
  }
  return fields;
}
