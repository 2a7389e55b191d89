import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CRC_CATALOGUE } from "../../../../src/protocols/checksum/catalogue.js";
import { type ChecksumSpec, verifier } from "../../../../src/protocols/checksum/checksum.js";
import { createFramer, type Framing, pendingBound } from "../../../../src/protocols/framing/framing.js";
import { hex, latin1, play, split } from "./play.js";

/** Recordings of real devices that lie beside the repository, where they are there at all. */
const CAPTURES = new URL("../../../../../../shared/captures/", import.meta.url);

interface Recording {
  readonly file: string;
  readonly framing: Framing;
  readonly checksum: ChecksumSpec;
  readonly frames: number;
  /** Bytes before the first whole frame, or damaged ones. */
  readonly discarded: number;
}

const P1: Framing = { kind: "regex", start: "/", end: "!([0-9A-Fa-f]{1,4})?\r\n", max: 8192 };
const ARC: ChecksumSpec = {
  algorithm: { kind: "crc", parameters: CRC_CATALOGUE["CRC-16/ARC"] },
  from: { before: latin1("/") },
  to: { after: latin1("!") },
  at: { after: latin1("!") },
  as: "hex",
  optional: true,
};

const RECORDINGS: readonly Recording[] = [
  {
    file: "pmsx003.bin",
    framing: { kind: "header", start: latin1("BM"), length: { offset: 2, type: "u16be", add: 4 }, max: 64 },
    checksum: { algorithm: { kind: "sum16" }, from: 0, to: -2, at: -2, as: "u16be" },
    frames: 10,
    discarded: 0,
  },
  {
    file: "sds01x.bin",
    framing: { kind: "fixed", length: 10, start: hex("AA"), end: hex("AB") },
    checksum: { algorithm: { kind: "sum8" }, from: 2, to: 8, at: 8, as: "u8" },
    frames: 10,
    discarded: 0,
  },
  {
    file: "mhz19b.bin",
    framing: { kind: "fixed", length: 9, start: hex("FF") },
    checksum: { algorithm: { kind: "sum8", complement: "twos" }, from: 1, to: 8, at: 8, as: "u8" },
    frames: 10,
    discarded: 0,
  },
  ...["dsmr-v22-nocrc.txt", "dsmr-v42.txt", "dsmr-v5.txt", "dsmr-fluvius-be.txt"].map((file) => ({
    file,
    framing: P1,
    checksum: ARC,
    frames: 1,
    discarded: 0,
  })),
];

for (const { file, framing, checksum, frames, discarded } of RECORDINGS) {
  const url = new URL(file, CAPTURES);
  test(`${file}: every frame of the recording comes out`, {
    skip: existsSync(url) ? false : `${file} is not there`,
  }, () => {
    const bytes = new Uint8Array(readFileSync(url));
    const outputs = play(createFramer(framing, verifier(checksum)), pendingBound(framing), split(bytes, [7, 64, 65]));
    assert.equal(outputs.filter((output) => output.kind === "frame").length, frames);
    const lost = outputs
      .filter((output) => output.kind === "discard")
      .reduce((total, output) => total + output.size, 0);
    assert.equal(lost, discarded);
  });
}

const vedirect = new URL("vedirect-smartsolar-1.39.dump", CAPTURES);
test("a VE.Direct recording that begins within a block loses that one only", {
  skip: existsSync(vedirect) ? false : "the recording is not there",
}, () => {
  const bytes = new Uint8Array(readFileSync(vedirect));
  const framing: Framing = { kind: "regex", start: "\r\n[A-Z]", end: "\r\nChecksum\t.", max: 1024 };
  const checksum: ChecksumSpec = { algorithm: { kind: "sum8" }, from: 0, to: "end", equals: 0 };
  const outputs = play(createFramer(framing, verifier(checksum)), pendingBound(framing), split(bytes, [100, 1000]));
  const blocks = Buffer.from(bytes).toString("latin1").split("Checksum\t").length - 1;
  assert.equal(outputs.filter((output) => output.kind === "frame").length, blocks - 1);
  // The second noise is HEX messages that the device sent between two blocks.
  const discards = outputs
    .map((output) => (output.kind === "frame" ? "" : output.reason))
    .filter((reason) => reason !== "");
  assert.deepEqual(discards, ["noise", "checksum", "noise"]);
});

const nmea = new URL("gpsd-garmin15x.log", CAPTURES);
test("every sentence of an NMEA recording is sound", {
  skip: existsSync(nmea) ? false : "the recording is not there",
}, () => {
  const text = readFileSync(nmea, "latin1").replace(/^#.*\n/gm, "");
  const framing: Framing = { kind: "line", delimiter: latin1("\n"), start: latin1("$"), max: 120 };
  const checksum: ChecksumSpec = {
    algorithm: { kind: "xor8" },
    from: { after: latin1("$") },
    to: { before: latin1("*") },
    at: { after: latin1("*") },
    as: "hex",
  };
  const outputs = play(createFramer(framing, verifier(checksum)), pendingBound(framing), [latin1(text)]);
  assert.equal(outputs.filter((output) => output.kind === "frame").length, text.split("$").length - 1);
});
