import { didYouMean } from "../core/near.js";
import { CRC_CATALOGUE } from "../protocols/checksum/catalogue.js";
import { type ChecksumSpec, sealer, verifier } from "../protocols/checksum/checksum.js";
import type { CrcParameters } from "../protocols/checksum/crc.js";
import type { FrameCheck, Framer, FramerOutput } from "../protocols/framing/framer.js";
import { createFramer, type Framing, MAX_FRAME } from "../protocols/framing/framing.js";
import type { ChecksumSection } from "./schema/checksum.js";
import type { FramingSection } from "./schema/framing.js";
import type { SerialSection } from "./schema/serial.js";

/** What stands between a profile's words and the framers and checksums of `protocols`. */

const SUMS = ["sum8", "sum16", "xor8"] as const;
type Sum = (typeof SUMS)[number];
const CRCS: Readonly<Record<string, CrcParameters>> = CRC_CATALOGUE;
const CARRIED = { 8: "u8", 16: "u16be", 32: "u32be" } as const;

function algorithmOf({ algorithm, complement }: ChecksumSection): {
  spec: ChecksumSpec["algorithm"];
  width: 8 | 16 | 32;
} {
  if (typeof algorithm !== "string") return { spec: { kind: "crc", parameters: algorithm }, width: algorithm.width };
  const sum = SUMS.find((name) => name === algorithm);
  if (sum !== undefined) {
    return { spec: { kind: sum, ...(complement === undefined ? {} : { complement }) }, width: widthOf(sum) };
  }
  const parameters = Object.hasOwn(CRCS, algorithm) ? CRCS[algorithm] : undefined;
  if (parameters !== undefined) return { spec: { kind: "crc", parameters }, width: parameters.width };
  const near = didYouMean(algorithm, [...SUMS, ...Object.keys(CRCS)]);
  throw new RangeError(`algorithm: "${algorithm}" is no checksum Weir knows${near}; give a CRC's parameters otherwise`);
}

function widthOf(sum: Sum): 8 | 16 {
  return sum === "sum16" ? 16 : 8;
}

/** Throws a RangeError that says what cannot be. */
export function checksumSpec(section: ChecksumSection): ChecksumSpec {
  const { from, to, equals } = section;
  const { spec: algorithm, width } = algorithmOf(section);
  if (section.complement !== undefined && algorithm.kind === "crc") {
    throw new RangeError("complement: is for sums only; a CRC has xorout");
  }
  if (equals !== undefined) return { algorithm, from, to: to ?? "end", equals };
  const as = section.type ?? CARRIED[width];
  const digits = as === "hex" ? width / 4 : Number.parseInt(as.slice(1), 10) / 8;
  const at = section.at ?? -digits;
  return { algorithm, from, to: to ?? at, at, as, ...(section.optional ? { optional: true } : {}) };
}

const LF = Uint8Array.of(0x0a);
const CR_LF = Uint8Array.of(0x0d, 0x0a);

/** The framing's plain options. `eitherLineEnd`: lines end in a line feed, with or without a carriage return. */
export function framingOf(section: FramingSection): { framing: Framing; eitherLineEnd: boolean } {
  const { line, fixed, header, slip, silence, regex } = section;
  const plain = (framing: Framing) => ({ framing, eitherLineEnd: false });
  if (line !== undefined) {
    const { delimiter, start, max } = line;
    return {
      framing: {
        kind: "line",
        delimiter: delimiter ?? LF,
        max: delimiter === undefined ? Math.min(max + 1, MAX_FRAME) : max,
        ...optional({ start }),
      },
      eitherLineEnd: delimiter === undefined,
    };
  }
  if (fixed !== undefined) {
    const { length, start, end } = fixed;
    return plain({ kind: "fixed", length, ...optional({ start, end }) });
  }
  if (header !== undefined) {
    const { start, max, end } = header;
    const { at: offset, type, add } = header.length;
    return plain({ kind: "header", start, length: { offset, type, add }, max, ...optional({ end }) });
  }
  if (slip !== undefined) return plain({ kind: "slip", max: slip.max });
  if (silence !== undefined) return plain({ kind: "silence", gap: silence.gap, max: silence.max });
  if (regex !== undefined) {
    const { end, start, max, lookback } = regex;
    return plain({ kind: "regex", end, max, ...optional({ start, lookback }) });
  }
  throw new RangeError("framing: has no kind");
}

/** Without the keys that are undefined, as exact optional properties want it. */
function optional<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

const CR = 0x0d;

/** A line without the carriage return that some devices send before the line feed. */
function withoutCr(line: Uint8Array): Uint8Array {
  return line.at(-1) === CR ? line.subarray(0, -1) : line;
}

/** A framer of lines whose carriage return is optional. An empty line is noise, as it is to the framer inside. */
function dropCr(inner: Framer): Framer {
  const outputs = (list: FramerOutput[]): FramerOutput[] =>
    list.map((output) => {
      if (output.kind === "discard") return output;
      const bytes = withoutCr(output.bytes);
      return bytes.length > 0 ? { ...output, bytes } : { kind: "discard", reason: "noise", size: output.size };
    });
  return {
    push: (chunk, now) => outputs(inner.push(chunk, now)),
    get deadline() {
      return inner.deadline;
    },
    tick: (now) => outputs(inner.tick(now)),
    end: () => outputs(inner.end()),
    get pending() {
      return inner.pending;
    },
  };
}

/** Makes a fresh framer at every call, with the checksum built in. Throws a RangeError for options that cannot be. */
export function framerFactory(serial: SerialSection): () => Framer {
  const { framing, eitherLineEnd } = framingOf(serial.framing);
  const verify = serial.checksum === undefined ? undefined : verifier(checksumSpec(serial.checksum));
  if (!eitherLineEnd) return () => createFramer(framing, verify);
  // An empty line is no frame, so it has no checksum that could be wrong.
  const check: FrameCheck | undefined = verify && ((line) => withoutCr(line).length === 0 || verify(withoutCr(line)));
  return () => dropCr(createFramer(framing, check));
}

const SLIP_END = 0xc0;
const SLIP_ESC = 0xdb;

/** RFC 1055, with an END before the frame to flush what noise there was. */
function slipEncode(frame: Uint8Array): Uint8Array {
  const wire = [SLIP_END];
  for (const byte of frame) {
    if (byte === SLIP_END) wire.push(SLIP_ESC, 0xdc);
    else if (byte === SLIP_ESC) wire.push(SLIP_ESC, 0xdd);
    else wire.push(byte);
  }
  wire.push(SLIP_END);
  return Uint8Array.from(wire);
}

/** What a framer takes off a frame: the delimiter of a line, the escapes of SLIP. */
export function wrap(section: FramingSection, frame: Uint8Array): Uint8Array {
  if (section.slip !== undefined) return slipEncode(frame);
  if (section.line === undefined) return frame;
  return Uint8Array.from([...frame, ...(section.line.delimiter ?? CR_LF)]);
}

/** A request as it was before `wrap`, where that matters: only SLIP hides bytes. Undefined where it is no whole frame. */
export function unwrap(section: FramingSection, wire: Uint8Array): Uint8Array | undefined {
  if (section.slip === undefined) return wire;
  const frame = createFramer({ kind: "slip", max: MAX_FRAME })
    .push(wire, 0)
    .find((output) => output.kind === "frame");
  return frame?.bytes;
}

export type Seal = (frame: Uint8Array) => Uint8Array;

/** Writes the checksum into a frame; nothing where there is none. Throws a RangeError for one that cannot be. */
export function sealOf(section: ChecksumSection | undefined): Seal {
  return section === undefined ? (frame) => frame : sealer(checksumSpec(section));
}
