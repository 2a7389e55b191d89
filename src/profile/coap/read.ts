import type { Quality, Scalar } from "../../core/reading.js";
import { CONTENT_FORMAT } from "../../protocols/coap/index.js";
import { decodeStrictCbor, SenmlError } from "../../protocols/senml/index.js";
import { badPayload, FormError, type FormValue, quoted } from "../forms/form.js";
import { contentFormatOf, type Form } from "../forms/formats.js";
import { readForm } from "../forms/read.js";
import { typedValue } from "../forms/typed.js";
import { type Frame, frameOf } from "../layout/layout.js";
import { compileMessage, type Message } from "../message.js";
import type { Profile } from "../profile.js";
import type { CoapPath, CoapReadSection } from "../schema/coap.js";

/** What a device answered. */
export interface CoapAnswer {
  readonly contentFormat: number | undefined;
  readonly payload: Uint8Array;
}

/** One value of an answer. */
export interface CoapValue {
  readonly resource: string;
  readonly value: Scalar;
  readonly quality: Quality;
  readonly unit?: string;
  /** When it was measured, in ms since the Unix epoch; undefined where the device does not say. */
  readonly time: number | undefined;
}

/** Something that a CoAP device is asked for. */
export interface CoapRead extends CoapPath {
  readonly how: CoapReadSection["how"];
  /** ms; undefined for what is asked on demand only. */
  readonly every: number | undefined;
  /** A Content-Format. */
  readonly accept: number | undefined;
  /** The resources that its answer can carry. */
  readonly resources: ReadonlySet<string>;
  /** Throws a FormError. `now` in ms since the Unix epoch. */
  decode(answer: CoapAnswer, now: number): CoapValue[];
}

/** How long an observed device may be silent before the observation is renewed, in ms: less than what counts as offline (5m). */
const RENEW_EVERY = 240_000;
/** In one answer: a device may tell a history of its few resources. */
const MAX_VALUES = 1024;
const MAX_DEPTH = 16;

export function numberOf(format: Form | number | undefined): number | undefined {
  return typeof format === "string" ? contentFormatOf(format) : format;
}

/** The layout of the payload, where the profile has one. */
export function layoutOf(section: CoapReadSection, profile: Profile): Message | undefined {
  const { binary, text, delimited, keyValue, json } = section;
  if ((binary ?? text ?? delimited ?? keyValue ?? json) === undefined) return undefined;
  return compileMessage("payload", { binary, text, delimited, keyValue, json }, profile.resources);
}

export function compileRead(section: CoapReadSection, profile: Profile): CoapRead {
  const layout = layoutOf(section, profile);
  const fallback = numberOf(section.contentFormat ?? section.accept);
  return {
    ...section.path,
    how: section.how,
    every: section.every ?? (section.how === "observe" ? RENEW_EVERY : undefined),
    accept: numberOf(section.accept),
    resources: layout?.resources ?? (section.resource === undefined ? readable(profile) : new Set([section.resource])),
    decode: ({ contentFormat, payload }, now) => {
      const format = contentFormat ?? fallback;
      return layout === undefined
        ? byForm(format, payload, section.resource, profile, now)
        : byLayout(layout, format, payload);
    },
  };
}

function readable({ resources }: Profile): ReadonlySet<string> {
  return new Set([...resources].filter(([, { access }]) => access.includes("R")).map(([name]) => name));
}

function byLayout(layout: Message, format: number | undefined, payload: Uint8Array): CoapValue[] {
  const decoded = layout.decode(format === CONTENT_FORMAT.cbor ? frameOfCbor(payload) : frameOf(payload));
  if (decoded?.kind === "values") return decoded.values.map((value) => ({ ...value, time: undefined }));
  throw badPayload(decoded?.kind === "bad" ? decoded.reason : "the profile's pattern does not match the payload");
}

/** A CBOR payload for layouts of JSON: the same pointers hold. */
function frameOfCbor(payload: Uint8Array): Frame {
  try {
    const tree = decodeStrictCbor(payload, { maxBytes: payload.length, maxDepth: MAX_DEPTH });
    return frameOf(Buffer.from(JSON.stringify(tree, jsonOf)));
  } catch (error) {
    if (error instanceof SenmlError) throw badPayload(error.message);
    throw error;
  }
}

/** Bytes as layouts read them from a text. */
function jsonOf(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [String(key), member]));
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}

/** A device may tell more than its profile knows, which is left out; but if it tells nothing of it, that is no answer. */
function byForm(
  format: number | undefined,
  payload: Uint8Array,
  resource: string | undefined,
  profile: Profile,
  now: number,
): CoapValue[] {
  const limits = { maxBytes: Math.max(1, payload.length), maxValues: MAX_VALUES };
  const given = readForm(format, payload, { resource, nameOf: (record) => lastOf(record, resource), now, ...limits });
  const ours = given.filter(({ resource: name }) => profile.resources.has(name));
  if (ours.length > 0) return ours.map((value) => typed(value, profile));
  const [first] = given;
  throw new FormError(
    "unknown_resource",
    `the profile ${profile.name} has no resource ${quoted(first?.resource ?? "")}`,
  );
}

/** The last part of a SenML name: `temp` of `urn:dev:ow:10e2073a01080063:temp`. A pack of one resource may name it as it likes. */
function lastOf(record: string, resource: string | undefined): string {
  return resource ?? record.slice(Math.max(record.lastIndexOf("/"), record.lastIndexOf(":")) + 1);
}

function typed(given: FormValue, { resources }: Profile): CoapValue {
  const resource = resources.get(given.resource);
  if (resource === undefined) throw new FormError("unknown_resource", `there is no resource ${quoted(given.resource)}`);
  const unit = given.unit ?? resource.unit;
  return {
    resource: given.resource,
    ...typedValue(resource, given),
    time: given.time,
    ...(unit === undefined ? {} : { unit }),
  };
}
