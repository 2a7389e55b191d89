import { encode as encodeCbor } from "cborg";
import type { Scalar } from "../../core/reading.js";
import { CONTENT_FORMAT } from "../../protocols/coap/index.js";
import {
  encodeSenmlCbor,
  encodeSenmlJson,
  SENML_CBOR,
  SENML_JSON,
  type SenmlRecord,
} from "../../protocols/senml/index.js";
import type { Resource } from "../profile.js";

export const FORMS = ["json", "text", "cbor", "senml-json", "senml-cbor"] as const;

/** How values are written into a CoAP payload. */
export type Form = (typeof FORMS)[number];

const CONTENT_FORMATS: Readonly<Record<Form, number>> = {
  text: CONTENT_FORMAT.text,
  json: CONTENT_FORMAT.json,
  cbor: CONTENT_FORMAT.cbor,
  "senml-json": SENML_JSON,
  "senml-cbor": SENML_CBOR,
};

/** Its Content-Format (RFC 7252 12.3, RFC 8949 9.3, RFC 8428 12.4). */
export function contentFormatOf(form: Form): number {
  return CONTENT_FORMATS[form];
}

/** The form of a Content-Format; undefined for one that values are not written in. */
export function formOf(contentFormat: number | undefined): Form | undefined {
  return FORMS.find((form) => CONTENT_FORMATS[form] === contentFormat);
}

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
