import { encode as encodeCbor } from "cborg";
import type { Scalar } from "../core/reading.js";
import type { Profile } from "../profile/index.js";
import {
  encodeSenmlCbor,
  encodeSenmlJson,
  SENML_CBOR,
  SENML_JSON,
  type SenmlRecord,
} from "../protocols/senml/index.js";

export type CoapSection = NonNullable<Profile["coap"]>;
export type CoapFormat = CoapSection["format"];

/** What a device posts at once. */
export interface Post {
  /** Uri-Path segments. */
  readonly path: readonly string[];
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}

/** Content-Formats (RFC 7252 12.3, RFC 8949 9.3, RFC 8428 12.4). */
const CONTENT_FORMATS = { text: 0, json: 50, cbor: 60, "senml-json": SENML_JSON, "senml-cbor": SENML_CBOR } as const;

/** How a device of this profile posts. It may have no coap section: then it posts one JSON object. */
export function postingOf(profile: Profile): CoapSection {
  return profile.coap ?? { format: "json", post: "device" };
}

/** The requests that carry these values, for a device that posts below `path`. Throws SenmlError for a name SenML has no words for. */
export function postsOf(
  profile: Profile,
  posting: CoapSection,
  path: string,
  values: ReadonlyMap<string, Scalar>,
): Post[] {
  const contentFormat = CONTENT_FORMATS[posting.format];
  const below = path.split("/").filter((segment) => segment !== "");
  if (values.size === 0) return [];
  if (posting.post === "device") {
    return [{ path: below, contentFormat, payload: encodeAll(profile, posting.format, values) }];
  }
  return [...values].map(([resource, value]) => ({
    path: [...below, resource],
    contentFormat,
    payload: encodeOne(profile, posting.format, resource, value),
  }));
}

function encodeAll(profile: Profile, format: CoapFormat, values: ReadonlyMap<string, Scalar>): Uint8Array {
  switch (format) {
    case "cbor":
      return encodeCbor(Object.fromEntries(values));
    case "senml-json":
      return encodeSenmlJson(recordsOf(profile, values));
    case "senml-cbor":
      return encodeSenmlCbor(recordsOf(profile, values));
    default:
      return Buffer.from(JSON.stringify(Object.fromEntries([...values].map(([name, value]) => [name, jsonOf(value)]))));
  }
}

function encodeOne(profile: Profile, format: CoapFormat, resource: string, value: Scalar): Uint8Array {
  switch (format) {
    case "text":
      return value instanceof Uint8Array ? value : Buffer.from(String(value));
    case "json":
      return Buffer.from(JSON.stringify(jsonOf(value)));
    case "cbor":
      return encodeCbor(value);
    default:
      return encodeAll(profile, format, new Map([[resource, value]]));
  }
}

/** Without a time: a device like this has no clock, and the gateway takes the time it comes in (RFC 8428 4.5.3). */
function recordsOf(profile: Profile, values: ReadonlyMap<string, Scalar>): SenmlRecord[] {
  return [...values].map(([name, value]) => {
    const unit = profile.resources.get(name)?.unit;
    return unit === undefined ? { name, value } : { name, value, unit };
  });
}

/** JSON has no bytes: base64, as everywhere in Weir. */
function jsonOf(value: Scalar): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
