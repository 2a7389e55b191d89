import { CBOR_LABELS, SENML_VERSION } from "../senml/record.js";
import { type Batch, BatchError, type BatchMessage, Budget } from "./batch.js";
import { type CborItem, CborReader } from "./cbor-reader.js";
import { type Payload, putTogether, QUALITIES, type Value } from "./payload.js";
import { BARE, BASE_FLAGS, FLAGS, FORM, ID, OWN_FLAGS, RETAIN, TOPIC } from "./senml-labels.js";

/** Throws BatchError. */
export function decodeSenml(bytes: Uint8Array, maxBytes: number): Batch {
  const reader = new CborReader(bytes);
  const budget = new Budget(maxBytes);
  const base: Base = { name: "", time: undefined, flags: 0 };
  const messages: BatchMessage[] = [];
  let id: string | undefined;
  const length = reader.array();
  for (let index = 0; index < length; index++) {
    const record = new RecordReader(reader, index);
    if (index === 0) {
      id = record.text(ID);
      base.flags = record.number(BASE_FLAGS) ?? 0;
    }
    base.name = record.text(CBOR_LABELS.bn) ?? base.name;
    base.time = record.number(CBOR_LABELS.bt) ?? base.time;
    const message = messageOf(record, base);
    budget.take(message);
    messages.push(message);
  }
  reader.end();
  return id === undefined ? { messages } : { messages, id };
}

/** What holds until a later record sets it anew (RFC 8428 4.1); the flags hold for the whole batch. */
interface Base {
  name: string;
  /** In s. */
  time: number | undefined;
  flags: number;
}

function messageOf(record: RecordReader, base: Base): BatchMessage {
  const flags = record.number(OWN_FLAGS) ?? base.flags;
  const qos = flags % RETAIN;
  if (!Number.isInteger(flags) || flags < 0 || flags >= FLAGS || (qos !== 0 && qos !== 1 && qos !== 2)) {
    return record.fail(`has the flags ${flags}, which mean nothing`);
  }
  const topic = record.text(TOPIC) ?? base.name + (record.text(CBOR_LABELS.n) ?? "");
  const payload = putTogether(payloadOf(record, base, Math.floor(flags / FORM)));
  return { topic, payload, qos, retain: (flags & RETAIN) !== 0 };
}

function payloadOf(record: RecordReader, base: Base, form: number): Payload {
  const bytes = record.data(CBOR_LABELS.vd);
  const value = record.value();
  if (bytes !== undefined)
    return value === undefined ? { form: "data", bytes } : record.fail("has more than one value");
  if (value === undefined) return record.fail("has no value");
  if (form === BARE) return { form: "bare", value };
  const quality = QUALITIES[form];
  if (quality === undefined || base.time === undefined) return record.fail("is a reading without a time");
  // Each in whole ms before they are added: the sum of two doubles in s need not be.
  const time = Math.round(base.time * 1000) + Math.round((record.number(CBOR_LABELS.t) ?? 0) * 1000);
  const unit = record.text(CBOR_LABELS.u);
  return { form: "reading", value, time, ...(unit === undefined ? {} : { unit }), quality };
}

const LABELS: ReadonlySet<number | string> = new Set<number | string>([
  ...[CBOR_LABELS.bver, CBOR_LABELS.bn, CBOR_LABELS.bt, CBOR_LABELS.n, CBOR_LABELS.u, CBOR_LABELS.t],
  ...[CBOR_LABELS.v, CBOR_LABELS.vs, CBOR_LABELS.vb, CBOR_LABELS.vd, TOPIC, OWN_FLAGS, BASE_FLAGS, ID],
]);

/** One record as it was written. Knows how to blame it. */
class RecordReader {
  readonly #fields = new Map<number | string, CborItem>();
  readonly #index: number;

  constructor(reader: CborReader, index: number) {
    this.#index = index;
    for (let left = reader.map(); left > 0; left--) {
      const label = reader.item();
      const value = reader.item();
      if (typeof label !== "number" && typeof label !== "string")
        this.fail("has a label that is no integer and no text");
      if (!LABELS.has(label)) {
        // RFC 8428 4.4 lets a reader skip other labels, but those ending in "_". SenML's own that no batch has would
        // change what the others say: base value, sum.
        if (typeof label === "number" || label.endsWith("_"))
          this.fail(`has the label ${JSON.stringify(label).slice(0, 64)}, which no batch has`);
        continue;
      }
      if (this.#fields.has(label)) this.fail(`has the label ${label} twice`);
      this.#fields.set(label, value);
    }
    if ((this.number(CBOR_LABELS.bver) ?? 0) > SENML_VERSION) this.fail("is of a version of SenML that is not known");
  }

  fail(problem: string): never {
    // Counted from 1, as RFC 8428 9 counts them.
    throw new BatchError(`record ${this.#index + 1} ${problem}`);
  }

  number(label: number | string): number | undefined {
    const value = this.#fields.get(label);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    return this.fail(`has a value at label ${label} that is not a finite number`);
  }

  text(label: number | string): string | undefined {
    const value = this.#fields.get(label);
    if (value === undefined || typeof value === "string") return value;
    return this.fail(`has a value at label ${label} that is not a text`);
  }

  data(label: number): Uint8Array | undefined {
    const value = this.#fields.get(label);
    if (value === undefined || value instanceof Uint8Array) return value;
    return this.fail(`has a value at label ${label} that is not a byte string`);
  }

  value(): Value | undefined {
    const boolean = this.#fields.get(CBOR_LABELS.vb);
    if (boolean !== undefined && typeof boolean !== "boolean") return this.fail("has a vb that is not true or false");
    const found = [this.number(CBOR_LABELS.v), this.text(CBOR_LABELS.vs), boolean].filter((one) => one !== undefined);
    return found.length > 1 ? this.fail("has more than one value") : found[0];
  }
}
