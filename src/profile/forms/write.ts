import { encode as encodeCbor } from "cborg";
import type { Scalar } from "../../core/reading.js";
import { encodeSenmlCbor, encodeSenmlJson, type SenmlRecord } from "../../protocols/senml/index.js";
import type { Resource } from "../profile.js";
import type { Form } from "./formats.js";

type Resources = ReadonlyMap<string, Resource>;

/** Values of several resources: an object of them, or a pack. A text has one value: an object it is. Throws SenmlError for a name SenML has no words for. */
export function writeAll(form: Form, values: ReadonlyMap<string, Scalar>, resources: Resources): Uint8Array {
  switch (form) {
    case "cbor":
      return encodeCbor(Object.fromEntries(values));
    case "senml-json":
      return encodeSenmlJson(recordsOf(values, resources));
    case "senml-cbor":
      return encodeSenmlCbor(recordsOf(values, resources));
    default:
      return Buffer.from(JSON.stringify(Object.fromEntries([...values].map(([name, value]) => [name, jsonOf(value)]))));
  }
}

/** The value of one resource. */
export function writeOne(form: Form, name: string, value: Scalar, resources: Resources): Uint8Array {
  switch (form) {
    case "text":
      return value instanceof Uint8Array ? value : Buffer.from(String(value));
    case "json":
      return Buffer.from(JSON.stringify(jsonOf(value)));
    case "cbor":
      return encodeCbor(value);
    default:
      return writeAll(form, new Map([[name, value]]), resources);
  }
}

/** Without a time: a device like this has no clock, and the gateway takes the time it comes in (RFC 8428 4.5.3). */
function recordsOf(values: ReadonlyMap<string, Scalar>, resources: Resources): SenmlRecord[] {
  return [...values].map(([name, value]) => {
    const unit = resources.get(name)?.unit;
    return unit === undefined ? { name, value } : { name, value, unit };
  });
}

/** JSON has no bytes: base64, as everywhere in Weir. */
function jsonOf(value: Scalar): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
