import {
  type Label,
  nameProblem,
  RELATIVE_BELOW,
  type ResolvedRecord,
  SENML_VERSION,
  SenmlError,
  type SenmlValue,
} from "./record.js";

/** A record as it was written, its labels as text: `n`, `v`, `bt`. Labels that have no meaning in RFC 8428 may be there too. */
export type RawRecord = ReadonlyMap<string, unknown>;

export interface ResolveOptions {
  /** When the pack came in, in ms since the Unix epoch: what relative times count from. */
  readonly now: number;
  /** More records are an error. 1000 if left out. */
  readonly maxRecords?: number;
}

/** The base fields in force: each holds until a later record sets it anew (RFC 8428 4.1). */
interface Base {
  name: string;
  time: number;
  unit: string | undefined;
  value: number | undefined;
  sum: number | undefined;
  version: number | undefined;
}

/** Applies base fields, checks every rule of RFC 8428 4 and makes times absolute. Throws SenmlError. */
export function resolve(records: readonly RawRecord[], options: ResolveOptions): ResolvedRecord[] {
  const max = options.maxRecords ?? 1000;
  if (records.length === 0) throw new SenmlError("the pack has no record");
  if (records.length > max) throw new SenmlError(`the pack has ${records.length} records, ${max} are allowed`);
  const base: Base = { name: "", time: 0, unit: undefined, value: undefined, sum: undefined, version: undefined };
  const resolved: ResolvedRecord[] = [];
  for (const [index, raw] of records.entries()) {
    const record = new RecordReader(raw, index);
    readBase(record, base);
    // A record of base fields alone says nothing by itself (RFC 8428 5.1.7, first example).
    if (record.hasOwnFields) resolved.push(resolveOne(record, base, options.now));
  }
  return resolved;
}

/** The labels that make a record say something itself. */
const OWN_LABELS: ReadonlySet<string> = new Set<Label>(["n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"]);

/** Reads the fields of one record and knows how to blame it. */
class RecordReader {
  readonly hasOwnFields: boolean;
  readonly #raw: RawRecord;
  readonly #index: number;

  constructor(raw: RawRecord, index: number) {
    this.#raw = raw;
    this.#index = index;
    let own = false;
    for (const label of raw.keys()) {
      // RFC 8428 4.4: a label that must be understood ends in "_"; we know none of those.
      if (label.endsWith("_"))
        this.fail(`has the label ${JSON.stringify(label.slice(0, 64))}, which must be understood and is not`);
      if (OWN_LABELS.has(label)) own = true;
    }
    this.hasOwnFields = own;
  }

  fail(problem: string): never {
    // Counted from 1, as RFC 8428 9 counts them.
    throw new SenmlError(`record ${this.#index + 1} ${problem}`);
  }

  number(label: string): number | undefined {
    const value = this.#raw.get(label);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isFinite(value))
      return this.fail(`has a ${label} that is not a finite number`);
    return value;
  }

  text(label: string): string | undefined {
    const value = this.#raw.get(label);
    if (value === undefined) return undefined;
    if (typeof value !== "string") return this.fail(`has a ${label} that is not a string`);
    return value;
  }

  value(): SenmlValue | undefined {
    const number = this.number("v");
    const text = this.text("vs");
    const boolean = this.#raw.get("vb");
    if (boolean !== undefined && typeof boolean !== "boolean") return this.fail("has a vb that is not true or false");
    const bytes = this.#raw.get("vd");
    if (bytes !== undefined && !(bytes instanceof Uint8Array)) return this.fail("has a vd that is not data");
    const found = [number, text, boolean, bytes].filter((value) => value !== undefined);
    if (found.length > 1) return this.fail("has more than one value");
    return found[0];
  }
}

function readBase(record: RecordReader, base: Base): void {
  const version = record.number("bver");
  if (version !== undefined) {
    if (!Number.isInteger(version) || version < 1) record.fail("has a bver that is not a positive integer");
    if (version > SENML_VERSION) record.fail(`is of SenML version ${version}; up to ${SENML_VERSION} is understood`);
    // RFC 8428 4.4: all records of a pack have the same version.
    if (base.version !== undefined && base.version !== version)
      record.fail("has another version than the records before it");
    base.version = version;
  }
  base.name = record.text("bn") ?? base.name;
  base.time = record.number("bt") ?? base.time;
  base.unit = record.text("bu") ?? base.unit;
  base.value = record.number("bv") ?? base.value;
  base.sum = record.number("bs") ?? base.sum;
}

function resolveOne(record: RecordReader, base: Base, now: number): ResolvedRecord {
  const name = base.name + (record.text("n") ?? "");
  const problem = nameProblem(name);
  if (problem !== undefined) record.fail(problem);
  const unit = record.text("u") ?? base.unit;
  const own = record.value();
  // RFC 8428 4.5.4: base value and value are added, one that is missing is zero. Only numbers can be added to.
  const value = own === undefined ? base.value : typeof own === "number" ? own + (base.value ?? 0) : own;
  const ownSum = record.number("s");
  const sum = ownSum === undefined ? base.sum : ownSum + (base.sum ?? 0);
  if (value === undefined && sum === undefined) record.fail("has neither a value nor a sum");
  if (typeof value === "number" && !Number.isFinite(value)) record.fail("has a value beyond the range of a double");
  if (sum !== undefined && !Number.isFinite(sum)) record.fail("has a sum beyond the range of a double");
  const updateTime = record.number("ut");
  return {
    name,
    ...(unit === undefined ? {} : { unit }),
    ...(value === undefined ? {} : { value }),
    ...(sum === undefined ? {} : { sum }),
    time: resolveTime(record, base.time + (record.number("t") ?? 0), now),
    ...(updateTime === undefined ? {} : { updateTime: updateTime * 1000 }),
  };
}

/** ECMAScript's last instant: beyond it `new Date` has no answer. In ms. */
const MAX_TIME = 8.64e15;

/** Seconds as they are in a pack to ms since the epoch (RFC 8428 4.5.3). */
function resolveTime(record: RecordReader, seconds: number, now: number): number {
  const time = Math.round(seconds < RELATIVE_BELOW ? now + seconds * 1000 : seconds * 1000);
  if (!(Math.abs(time) <= MAX_TIME)) record.fail("has a time that no calendar reaches");
  return time;
}
