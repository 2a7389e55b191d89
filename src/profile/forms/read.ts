import type { Scalar } from "../../core/reading.js";
import { CONTENT_FORMAT } from "../../protocols/coap/index.js";
import {
  decodeSenmlCbor,
  decodeSenmlJson,
  decodeStrictCbor,
  decodeStrictJson,
  type ResolvedRecord,
  SENML_CBOR,
  SENML_JSON,
  SenmlError,
} from "../../protocols/senml/index.js";
import { badPayload, type FormContext, FormError, type FormValue, quoted } from "./form.js";

const FORMATS = "0 text, 50 JSON, 60 CBOR, 110 SenML in JSON, 112 SenML in CBOR";
/** Enough for { resource: { v, t } }, and for saying what is wrong with one that is nested deeper. */
const MAX_DEPTH = 8;

/** Reads a payload of any Content-Format that is understood. Throws a FormError. */
export function readForm(format: number | undefined, payload: Uint8Array, context: FormContext): FormValue[] {
  if (payload.length === 0) throw badPayload("there is no payload");
  const limits = { maxBytes: context.maxBytes, maxDepth: MAX_DEPTH, maxRecords: context.maxValues };
  try {
    switch (format ?? guess(payload)) {
      case CONTENT_FORMAT.text:
        return fromText(payload, context.resource);
      case CONTENT_FORMAT.json:
        return fromTree(decodeStrictJson(payload, limits), context);
      case CONTENT_FORMAT.cbor:
        return fromTree(decodeStrictCbor(payload, limits), context);
      case SENML_JSON:
        return fromSenml(decodeSenmlJson(payload, { ...limits, now: context.now }), context);
      case SENML_CBOR:
        return fromSenml(decodeSenmlCbor(payload, { ...limits, now: context.now }), context);
      default:
        throw new FormError("format", `Content-Format ${format ?? "missing"} is not understood, only ${FORMATS}`);
    }
  } catch (error) {
    if (error instanceof SenmlError) throw badPayload(error.message);
    throw error;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Without a Content-Format (RFC 7252 5.5.1 leaves it to the receiver): JSON if it begins so, else text if it is any. */
function guess(payload: Uint8Array): number | undefined {
  const text = readText(payload);
  if (text === undefined || /[\0-\x08\x0e-\x1f]/.test(text)) return undefined;
  return /^\s*[{[]/.test(text) ? CONTENT_FORMAT.json : CONTENT_FORMAT.text;
}

function readText(payload: Uint8Array): string | undefined {
  try {
    return UTF8.decode(payload);
  } catch {
    return undefined; // the answer of this function, not a failure
  }
}

function fromText(payload: Uint8Array, resource: string | undefined): FormValue[] {
  if (resource === undefined) {
    throw badPayload("text is one value: it is for one resource (/device/resource), a device has JSON");
  }
  const value = readText(payload);
  if (value === undefined) throw badPayload(`${quoted(resource)}: the text is not UTF-8`);
  return [{ resource, value, time: undefined, unit: undefined, untyped: true }];
}

/** JSON or CBOR: for a device an object of its resources, for a resource a value or { v, t }. */
function fromTree(tree: unknown, context: FormContext): FormValue[] {
  const { resource } = context;
  const fields = fieldsOf(tree);
  if (resource !== undefined) return [fields === undefined ? typed(resource, tree) : timed(resource, fields)];
  if (fields === undefined) {
    const what = Array.isArray(tree) ? "an array (SenML has Content-Format 110 or 112)" : "a single value";
    throw badPayload(`the payload is ${what}, an object of resources and their values is wanted`);
  }
  if (fields.size === 0) throw badPayload("the object has no values");
  if (fields.size > context.maxValues) {
    throw badPayload(`the object has ${fields.size} values, ${context.maxValues} are allowed at once`);
  }
  return [...fields].map(([name, value]) => {
    if (typeof name !== "string") throw badPayload(`the name of a resource is a text, ${quoted(String(name))} is not`);
    return typed(name, value);
  });
}

function fieldsOf(tree: unknown): ReadonlyMap<unknown, unknown> | undefined {
  if (tree instanceof Map) return tree;
  if (typeof tree !== "object" || tree === null || Array.isArray(tree) || tree instanceof Uint8Array) return undefined;
  return new Map(Object.entries(tree));
}

function typed(resource: string, value: unknown, time?: number): FormValue {
  return { resource, value: scalarOf(resource, value), time, unit: undefined, untyped: false };
}

/** `{"v": 21.5, "t": 1763890000123}`: as Weir publishes it, time in ms since the epoch. */
function timed(resource: string, fields: ReadonlyMap<unknown, unknown>): FormValue {
  for (const key of fields.keys()) {
    if (key !== "v" && key !== "value" && key !== "t") {
      throw badPayload(
        `${quoted(resource)}: the object has the key ${quoted(String(key))}, only v (or value) and t are known`,
      );
    }
  }
  if (fields.has("v") === fields.has("value"))
    throw badPayload(`${quoted(resource)}: the object needs either v or value`);
  const value = fields.has("v") ? fields.get("v") : fields.get("value");
  const time = fields.get("t");
  return typed(resource, value, time === undefined ? undefined : timeOf(resource, time));
}

/** Before 1973 in ms, it is a time in seconds of the years to come: taken as it is, all readings would be of January 1970. */
const LEAST_TIME = 1e11;
const MOST_TIME = 8.64e15;

function timeOf(resource: string, time: unknown): number {
  if (typeof time === "number" && time >= LEAST_TIME && time <= MOST_TIME) return Math.round(time);
  throw badPayload(`${quoted(resource)}: t must be a time in ms since 1970`);
}

function scalarOf(resource: string, value: unknown): Scalar {
  if (typeof value === "string" || typeof value === "boolean" || value instanceof Uint8Array) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const what = value === null ? "null" : typeof value === "number" ? "too large a number" : "nested";
  throw badPayload(`${quoted(resource)} is ${what}, a number, true, false or a text is wanted`);
}

/** The values of a SenML pack. A pack for one resource has records of that one only. */
function fromSenml(records: readonly ResolvedRecord[], { resource: wanted, nameOf }: FormContext): FormValue[] {
  if (records.length === 0) throw badPayload("the pack has no values");
  return records.map(({ name, value, time, unit }) => {
    const resource = nameOf(name);
    if (resource === "") throw badPayload(`a record is named ${quoted(name)}, which names no resource`);
    if (wanted !== undefined && resource !== wanted) {
      throw badPayload(`a record is named ${quoted(name)}, but it is for the resource ${quoted(wanted)}`);
    }
    if (value === undefined) throw badPayload(`${quoted(resource)} has a sum only, a value is wanted`);
    return { resource, value, time, unit, untyped: false };
  });
}
