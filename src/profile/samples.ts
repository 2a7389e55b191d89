import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../core/errors.js";
import type { Scalar } from "../core/reading.js";
import { type CompiledCoap, coapCodec, compileCoap } from "./coap/codec.js";
import type { CoapAnswer, CoapRead } from "./coap/read.js";
import { type CompiledSerial, compileSerial, decodeFrame, serialCodec } from "./codec.js";
import { FormError } from "./forms/form.js";
import type { Decoded } from "./message.js";
import type { Profile } from "./profile.js";
import type { ExpectedFrame, SampleSection } from "./schema/samples.js";
import { parseHex, showHex } from "./schema/text.js";
import { framerFactory } from "./wire.js";

/** How one sample came out. */
export interface SampleResult {
  readonly name: string;
  /** What is wrong; undefined where it passed. */
  readonly problem?: string;
}

/** A frame of a sample and what it says. */
export interface SampleFrame {
  readonly bytes: Uint8Array;
  readonly decoded: Decoded;
}

/** Plays the bytes of a sample into a fresh framer, and decodes its frames. */
export function playSample(
  compiled: CompiledSerial,
  bytes: Uint8Array,
): { frames: SampleFrame[]; discards: Map<string, number> } {
  const framer = compiled.framer();
  const frames: SampleFrame[] = [];
  const discards = new Map<string, number>();
  for (const output of [...framer.push(bytes, 0), ...framer.end()]) {
    if (output.kind === "frame") {
      frames.push({ bytes: output.bytes, decoded: decodeFrame(compiled.messages.values(), output.bytes) });
    } else {
      discards.set(output.reason, (discards.get(output.reason) ?? 0) + output.size);
    }
  }
  return { frames, discards };
}

function show(value: unknown): string {
  return value instanceof Uint8Array ? showHex(value) : JSON.stringify(value);
}

/** `temperature: 21.5, humidity: 40 (uncertain)`: ready to be copied into the sample. */
function showDecoded(decoded: Decoded): string {
  if (decoded.kind === "unmatched") return "unmatched";
  if (decoded.kind === "bad") return `bad (${decoded.message}: ${decoded.reason})`;
  const values = decoded.values.map(({ resource, value, quality }) =>
    quality === "good" ? `${resource}: ${show(value)}` : `${resource}: { value: ${show(value)}, quality: ${quality} }`,
  );
  return `{ ${values.join(", ")} }`;
}

/** Bytes stand as hexadecimal digits in a sample. */
function sameValue(expected: string | number | boolean, value: Scalar): boolean {
  if (!(value instanceof Uint8Array)) return expected === value;
  return typeof expected === "string" && isDeepStrictEqual(parseHex(expected), Uint8Array.from(value));
}

/** Why an answer over CoAP is not what the sample says. */
function checkAnswer({ reads }: CompiledCoap, sample: SampleSection): string | undefined {
  const read = reads.find(({ text }) => text === sample.path?.text);
  if (read === undefined) return `nothing is read at ${sample.path?.text}`;
  const { bytes, contentFormat, readings = [] } = sample;
  const expected = Array.isArray(readings) ? readings : [readings];
  const [wanted] = expected;
  if (wanted === undefined || expected.length > 1) return "an answer has one set of readings, not a list";
  return compareFrame(wanted, decodeAnswer(read, { contentFormat, payload: bytes }));
}

/** As of a frame. Relative times in it count from the start of 1970, and are not compared. */
export function decodeAnswer(read: CoapRead, answer: CoapAnswer): Decoded {
  try {
    return { kind: "values", message: read.text, values: read.decode(answer, 0) };
  } catch (error) {
    if (error instanceof FormError) return { kind: "bad", message: read.text, reason: error.message };
    throw error;
  }
}

/** Why a frame is not what the sample says. */
function compareFrame(expected: ExpectedFrame, decoded: Decoded): string | undefined {
  if (typeof expected === "string") {
    return decoded.kind === expected ? undefined : `must be ${expected}, but is ${showDecoded(decoded)}`;
  }
  if (decoded.kind !== "values") return `is ${showDecoded(decoded)}`;
  const problems: string[] = [];
  const left = new Map(decoded.values.map((value) => [value.resource, value]));
  for (const [resource, wanted] of Object.entries(expected)) {
    const found = left.get(resource);
    left.delete(resource);
    const { value, quality } = typeof wanted === "object" ? wanted : { value: wanted, quality: "good" };
    if (found === undefined) problems.push(`${resource} is missing`);
    else if (!sameValue(value, found.value)) problems.push(`${resource} is ${show(found.value)}, not ${show(value)}`);
    else if (found.quality !== quality) problems.push(`${resource} has quality ${found.quality}, not ${quality}`);
  }
  for (const { resource, value } of left.values()) problems.push(`${resource} is ${show(value)}, but not expected`);
  return problems.length === 0 ? undefined : problems.join("; ");
}

function compareDiscards(sample: SampleSection, discards: ReadonlyMap<string, number>): string | undefined {
  const expected = new Map(Object.entries(sample.discards));
  if (isDeepStrictEqual(new Map([...expected].sort()), new Map([...discards].sort()))) return undefined;
  const text = (counts: ReadonlyMap<string, number>) =>
    counts.size === 0 ? "none" : [...counts].map(([reason, size]) => `${size} bytes as ${reason}`).join(", ");
  const hint =
    discards.has("incomplete") && !expected.has("incomplete") ? "; is the end of the last frame missing?" : "";
  return `discarded: ${text(discards)}; expected: ${text(expected)}${hint}`;
}

/** Bytes of a frame that are shown. */
const SHOWN = 64;

/** What is missing in most samples that are made up: a right checksum. */
function checksumHint({ section, seal }: CompiledSerial, sample: SampleSection): string {
  const { checksum, ...unchecked } = section;
  if (checksum === undefined) return "";
  const frame = framerFactory(unchecked)()
    .push(sample.bytes, 0)
    .find((output) => output.kind === "frame");
  if (frame === undefined || frame.bytes.length > SHOWN) return "";
  return `; with its checksum right the frame would be ${showHex(seal(frame.bytes))}`;
}

function checkFrames(compiled: CompiledSerial, sample: SampleSection): string | undefined {
  const { frames, discards } = playSample(compiled, sample.bytes);
  const { readings = [] } = sample;
  const expected = Array.isArray(readings) ? readings : [readings];
  const problems = expected.flatMap((wanted, index) => {
    const frame = frames[index];
    const problem = frame === undefined ? "is missing" : compareFrame(wanted, frame.decoded);
    return problem === undefined ? [] : [expected.length === 1 ? problem : `frame ${index + 1}: ${problem}`];
  });
  for (const { decoded } of frames.slice(expected.length)) {
    problems.push(`one more frame than expected: ${showDecoded(decoded)}`);
  }
  const discarded = compareDiscards(sample, discards);
  if (discarded !== undefined) {
    const wrong = discards.has("checksum") && sample.discards["checksum"] === undefined;
    problems.push(`${discarded}${wrong ? checksumHint(compiled, sample) : ""}`);
  }
  return problems.length === 0 ? undefined : problems.join("; ");
}

function checkCommand(profile: Profile, resource: string, sample: SampleSection): string | undefined {
  const action = profile.resources.get(resource)?.access === "E" ? "execute" : "write";
  const sent = requestOf(profile, sample)(resource, action, sample.value);
  if (sample.path !== undefined && sent.text !== sample.path.text) return `the command goes to ${sent.text}`;
  if (isDeepStrictEqual(Uint8Array.from(sent.bytes), sample.bytes)) return undefined;
  return `the command is ${showHex(sent.bytes)}, not ${showHex(sample.bytes)}`;
}

/** What sends the command of a sample: over CoAP where it has a path. */
function requestOf(profile: Profile, { path }: SampleSection) {
  return (resource: string, action: "write" | "execute", value: Scalar | undefined) => {
    if (path === undefined) return { bytes: serialCodec(profile).encode(resource, action, value).request, text: "" };
    const { payload, text } = coapCodec(profile).encode(resource, action, value);
    return { bytes: payload, text };
  };
}

/** Tries every sample of a profile. */
export function runSamples(profile: Profile): SampleResult[] {
  if (profile.samples.length === 0) return [];
  const serial = profile.serial === undefined ? undefined : compileSerial(profile);
  const overCoap = compileCoap(profile);
  const check = (sample: SampleSection): string | undefined => {
    if (sample.command !== undefined) return checkCommand(profile, sample.command, sample);
    if (sample.path !== undefined) return checkAnswer(overCoap, sample);
    return serial === undefined ? "is for a serial section, and there is none" : checkFrames(serial, sample);
  };
  return profile.samples.map((sample) => {
    let problem: string | undefined;
    try {
      problem = check(sample);
    } catch (error) {
      // A command that refuses the sample's value.
      problem = messageOf(error);
    }
    return problem === undefined ? { name: sample.name } : { name: sample.name, problem };
  });
}
