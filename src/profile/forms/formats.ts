import { CONTENT_FORMAT } from "../../protocols/coap/index.js";
import { SENML_CBOR, SENML_JSON } from "../../protocols/senml/index.js";

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
