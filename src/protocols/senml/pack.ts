import { type Label, nameProblem, RELATIVE_BELOW, SenmlError, type SenmlRecord, type SenmlValue } from "./record.js";

export interface EncodeOptions {
  /** Said once as `bn` instead of in every record. All names must begin with it. */
  readonly baseName?: string;
}

/** One record on its way out: labels in the order in which they are written. */
export type PackedRecord = Map<Label, SenmlValue>;

/**
 * Names and checks what a pack says, in the order bn bt n u v s t ut, so that equal records give equal bytes. Where all
 * records have a time the earliest is the base time. A time before 1978-07-04 (2^28 s, the clock of a machine that does
 * not know the date) would be read as relative: such a time is left out, and the receiver takes the time it comes in.
 * Throws SenmlError where SenML cannot say a record: a bad name, a number that is not finite, no value.
 */
export function pack(records: readonly SenmlRecord[], options: EncodeOptions = {}): PackedRecord[] {
  if (records.length === 0) throw new SenmlError("the pack has no record");
  const baseName = options.baseName ?? "";
  const seconds = records.map((record) => absoluteSeconds(record.time));
  const known = seconds.filter((time) => time !== undefined);
  // The earliest, so that no rounded sum with a negative offset falls below 2^28 and becomes relative.
  const baseTime = known.length === records.length ? known.reduce((a, b) => Math.min(a, b)) : undefined;
  return records.map((record, index) => {
    const fields: PackedRecord = new Map();
    if (index === 0 && baseName !== "") fields.set("bn", baseName);
    if (index === 0 && baseTime !== undefined) fields.set("bt", baseTime);
    const name = ownName(record, baseName, index);
    if (name !== "") fields.set("n", name);
    if (record.unit !== undefined) fields.set("u", record.unit);
    if (record.value === undefined && record.sum === undefined) fail(index, "has neither a value nor a sum");
    if (record.value !== undefined) fields.set(valueLabel(record.value), finite(record.value, index));
    if (record.sum !== undefined) fields.set("s", finite(record.sum, index));
    const time = seconds[index];
    const offset = time === undefined ? 0 : baseTime === undefined ? time : differenceInSeconds(time, baseTime);
    if (offset !== 0) fields.set("t", offset);
    if (record.updateTime !== undefined) fields.set("ut", finite(record.updateTime / 1000, index));
    return fields;
  });
}

function ownName(record: SenmlRecord, baseName: string, index: number): string {
  const problem = nameProblem(record.name);
  if (problem !== undefined) fail(index, problem);
  if (!record.name.startsWith(baseName)) fail(index, `has a name that does not begin with ${JSON.stringify(baseName)}`);
  return record.name.slice(baseName.length);
}

function absoluteSeconds(time: number | undefined): number | undefined {
  if (time === undefined || !Number.isFinite(time)) return undefined;
  const seconds = Math.round(time) / 1000;
  return seconds < RELATIVE_BELOW ? undefined : seconds;
}

/** In whole ms, for 1763890001.1 - 1763890000 is not 1.1 in doubles. */
function differenceInSeconds(time: number, base: number): number {
  return (Math.round(time * 1000) - Math.round(base * 1000)) / 1000;
}

function valueLabel(value: SenmlValue): "v" | "vs" | "vb" | "vd" {
  if (typeof value === "number") return "v";
  if (typeof value === "string") return "vs";
  return typeof value === "boolean" ? "vb" : "vd";
}

function finite<Value extends SenmlValue>(value: Value, index: number): Value {
  if (typeof value === "number" && !Number.isFinite(value))
    fail(index, `has the number ${value}, which SenML cannot say`);
  return value;
}

function fail(index: number, problem: string): never {
  throw new SenmlError(`record ${index + 1} ${problem}`);
}
