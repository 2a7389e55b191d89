import { CBOR_LABELS, nameProblem, RELATIVE_BELOW } from "../senml/record.js";
import type { BatchMessage } from "./batch.js";
import { CborWriter } from "./cbor-writer.js";
import { type Payload, QUALITIES, takeApart, type Value } from "./payload.js";
import { BARE, BASE_FLAGS, FLAGS, FORM, ID, OWN_FLAGS, RETAIN, TOPIC } from "./senml-labels.js";

/** Earlier times would be relative to now (RFC 8428 4.5.3); a second more, for readers that add base time and time as doubles. */
const EARLIEST = (RELATIVE_BELOW + 1) * 1000; // ms
/** The year 2248. Up to it dividing by 1000 and multiplying again is off by less than 2^-8 ms, so that rounding restores the ms. */
const LATEST = 2 ** 43; // ms
/** The name of a message whose topic is no name, where no base name stands for it: a record needs one. */
const NAMELESS = "0";

interface Part {
  readonly topic: string;
  readonly named: boolean;
  readonly payload: Payload;
  readonly flags: number;
}

export function encodeSenml(messages: readonly BatchMessage[], id: string | undefined): Uint8Array {
  const parts = messages.map(partOf);
  const baseName = commonPrefix(parts.filter(({ named }) => named).map(({ topic }) => topic));
  const baseTime = parts.map(({ payload }) => payload).find((payload) => payload.form === "reading")?.time;
  const baseFlags = mostFrequent(parts.map(({ flags }) => flags));
  const out = new CborWriter();
  out.array(parts.length);
  for (const [index, part] of parts.entries()) {
    const own = ownFields(part, baseName, baseTime ?? 0, baseFlags);
    write(out, index > 0 ? own : [...baseFields(baseName, baseTime, baseFlags, id), ...own]);
  }
  return out.finish();
}

function partOf({ topic, payload, qos, retain }: BatchMessage): Part {
  let apart = takeApart(payload);
  if (apart.form === "reading" && !(apart.time >= EARLIEST && apart.time <= LATEST && Number.isInteger(apart.time))) {
    apart = { form: "bare", value: Buffer.from(payload).toString() };
  }
  const form = apart.form === "reading" ? QUALITIES.indexOf(apart.quality) : apart.form === "bare" ? BARE : 0;
  const flags = qos + (retain ? RETAIN : 0) + form * FORM;
  return { topic, named: nameProblem(topic) === undefined, payload: apart, flags };
}

/** Up to a slash, so that what is left are whole levels; all of it where all are the same. */
function commonPrefix(topics: readonly string[]): string {
  const [first = ""] = topics;
  let length = first.length;
  for (const topic of topics) {
    let same = 0;
    while (same < length && topic.charCodeAt(same) === first.charCodeAt(same)) same += 1;
    length = same;
  }
  return topics.every((topic) => topic === first) ? first : first.slice(0, first.lastIndexOf("/", length - 1) + 1);
}

function mostFrequent(flags: readonly number[]): number {
  const counts = new Array<number>(FLAGS).fill(0);
  for (const one of flags) counts[one] = (counts[one] ?? 0) + 1;
  return counts.indexOf(Math.max(...counts));
}

type Field = readonly [label: number | string, value: Value | Uint8Array];

function baseFields(name: string, time: number | undefined, flags: number, id: string | undefined): Field[] {
  const fields: Field[] = [];
  if (name !== "") fields.push([CBOR_LABELS.bn, name]);
  if (time !== undefined) fields.push([CBOR_LABELS.bt, time / 1000]);
  if (flags !== 0) fields.push([BASE_FLAGS, flags]);
  if (id !== undefined) fields.push([ID, id]);
  return fields;
}

function ownFields({ topic, named, payload, flags }: Part, baseName: string, baseTime: number, base: number): Field[] {
  const fields: Field[] = [];
  const name = named ? topic.slice(baseName.length) : baseName === "" ? NAMELESS : "";
  if (name !== "") fields.push([CBOR_LABELS.n, name]);
  if (payload.form === "data") {
    fields.push([CBOR_LABELS.vd, payload.bytes]);
  } else {
    if (payload.form === "reading" && payload.unit !== undefined) fields.push([CBOR_LABELS.u, payload.unit]);
    fields.push([valueLabel(payload.value), payload.value]);
    // In whole ms, for 1763890001.1 - 1763890000 is not 1.1 in doubles.
    const offset = payload.form === "reading" ? payload.time - baseTime : 0;
    if (offset !== 0) fields.push([CBOR_LABELS.t, offset / 1000]);
  }
  if (flags !== base) fields.push([OWN_FLAGS, flags]);
  if (!named) fields.push([TOPIC, topic]);
  return fields;
}

function valueLabel(value: Value): number {
  if (typeof value === "number") return CBOR_LABELS.v;
  return typeof value === "string" ? CBOR_LABELS.vs : CBOR_LABELS.vb;
}

function write(out: CborWriter, fields: readonly Field[]): void {
  out.map(fields.length);
  for (const [label, value] of fields) {
    if (typeof label === "number") out.number(label);
    else out.text(label);
    if (typeof value === "number") out.number(value);
    else if (typeof value === "string") out.text(value);
    else if (typeof value === "boolean") out.boolean(value);
    else out.bytes(value);
  }
}
