import { CRC_CATALOGUE } from "../../../../src/protocols/checksum/catalogue.js";
import { type ChecksumSpec, sealer, verifier } from "../../../../src/protocols/checksum/checksum.js";
import type { FrameCheck } from "../../../../src/protocols/framing/framer.js";
import type { Framing } from "../../../../src/protocols/framing/framing.js";
import { concat, hex, latin1 } from "./play.js";

/** A whole number from 0 to `below` - 1. */
export type Random = (below: number) => number;

/** mulberry32: small, seeded, good enough to play line noise. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One framing as a device uses it. */
export interface Specimen {
  readonly name: string;
  readonly framing: Framing;
  readonly check?: FrameCheck;
  /** A whole frame as it stands in the stream. */
  readonly frame: (random: Random) => Uint8Array;
  /** Bytes that mean something to it, of which random input is rich. */
  readonly alphabet: Uint8Array;
}

const XOR: ChecksumSpec = {
  algorithm: { kind: "xor8" },
  from: { after: latin1("$") },
  to: { before: latin1("*") },
  at: { after: latin1("*") },
  as: "hex",
};
const SUM: ChecksumSpec = { algorithm: { kind: "sum8" }, from: 2, to: -2, at: -2, as: "u8" };
const SUM_AT_END: ChecksumSpec = { algorithm: { kind: "sum16" }, from: 0, to: -2, at: -2, as: "u16be" };
const MODBUS: ChecksumSpec = {
  algorithm: { kind: "crc", parameters: CRC_CATALOGUE["CRC-16/MODBUS"] },
  from: 0,
  to: -2,
  at: -2,
  as: "u16le",
};
const ARC: ChecksumSpec = {
  algorithm: { kind: "crc", parameters: CRC_CATALOGUE["CRC-16/ARC"] },
  from: { before: latin1("/") },
  to: { after: latin1("!") },
  at: { after: latin1("!") },
  as: "hex",
  optional: true,
};
const ZERO: ChecksumSpec = { algorithm: { kind: "sum8" }, from: 0, to: "end", equals: 0 };

function body(random: Random, least: number, most: number): Uint8Array {
  return Uint8Array.from({ length: least + random(most - least + 1) }, () => random(256));
}

function digits(random: Random, most: number): Uint8Array {
  return Uint8Array.from({ length: 1 + random(most) }, () => 0x30 + random(10));
}

/** A sealer of the parts put together. Made once: a CRC builds a table. */
function seal(spec: ChecksumSpec): (...parts: readonly Uint8Array[]) => Uint8Array {
  const sealed = sealer(spec);
  return (...parts) => sealed(concat(...parts));
}

const sealXor = seal(XOR);
const sealSum = seal(SUM);
const sealSumAtEnd = seal(SUM_AT_END);
const sealModbus = seal(MODBUS);
const sealArc = seal(ARC);
const sealZero = seal(ZERO);

export const SPECIMENS: readonly Specimen[] = [
  {
    name: "line",
    framing: { kind: "line", delimiter: latin1("\r\n"), max: 24 },
    frame: (random) => concat(latin1("T="), digits(random, 20), latin1("\r\n")),
    alphabet: latin1("T=1\r\n"),
  },
  {
    name: "line with a start",
    framing: { kind: "line", delimiter: latin1("\r\n"), max: 32, start: latin1("$") },
    check: verifier(XOR),
    frame: (random) => sealXor(latin1("$GP,"), digits(random, 20), latin1("*\r\n")),
    alphabet: latin1("$*0A\r\n"),
  },
  {
    name: "fixed",
    framing: { kind: "fixed", length: 10, start: hex("AA C0"), end: hex("AB") },
    check: verifier(SUM),
    frame: (random) => sealSum(hex("AA C0"), body(random, 6, 6), hex("00 AB")),
    alphabet: hex("AA C0 AB 00"),
  },
  {
    name: "fixed without a start",
    framing: { kind: "fixed", length: 6 },
    check: verifier(MODBUS),
    frame: (random) => sealModbus(body(random, 6, 6)),
    alphabet: hex("00 01 FF"),
  },
  {
    name: "header",
    framing: { kind: "header", start: latin1("BM"), length: { offset: 2, type: "u16be", add: 4 }, max: 32 },
    check: verifier(SUM_AT_END),
    frame: (random) => {
      const payload = body(random, 0, 26);
      return sealSumAtEnd(latin1("BM\0"), Uint8Array.of(payload.length + 2), payload, hex("00 00"));
    },
    alphabet: latin1("BM\0\x02\x08"),
  },
  {
    name: "slip",
    framing: { kind: "slip", max: 20 },
    check: verifier(MODBUS),
    frame: (random) => {
      const frame = sealModbus(body(random, 3, 20));
      const escaped = [...frame].flatMap((byte) =>
        byte === 0xc0 ? [0xdb, 0xdc] : byte === 0xdb ? [0xdb, 0xdd] : byte,
      );
      return concat(hex("C0"), Uint8Array.from(escaped), hex("C0"));
    },
    alphabet: hex("C0 DB DC DD 41"),
  },
  {
    name: "silence",
    framing: { kind: "silence", gap: 20, max: 24 },
    check: verifier(MODBUS),
    frame: (random) => sealModbus(body(random, 3, 24)),
    alphabet: hex("00 01 FF"),
  },
  {
    name: "regex",
    framing: { kind: "regex", end: "\r\nChecksum\t.", max: 40, lookback: 12 },
    check: verifier(ZERO),
    frame: (random) => sealZero(latin1("\r\nV\t"), digits(random, 20), latin1("\r\nChecksum\t?")),
    alphabet: latin1("\r\nChecksum\t"),
  },
  {
    name: "regex with a start",
    framing: { kind: "regex", start: "/[A-Z]{3}", end: "!([0-9A-F]{1,4})?\r\n", max: 40, lookback: 8 },
    check: verifier(ARC),
    frame: (random) => sealArc(latin1("/KFM5\r\n"), digits(random, 20), latin1("\r\n!\r\n")),
    alphabet: latin1("/ABC!0\r\n"),
  },
];
