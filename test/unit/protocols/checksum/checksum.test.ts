import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CRC_CATALOGUE } from "../../../../src/protocols/checksum/catalogue.js";
import { type Carried, type ChecksumSpec, sealer, verifier } from "../../../../src/protocols/checksum/checksum.js";

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function hex(digits: string): Uint8Array {
  return Uint8Array.from(digits.split(" "), (byte) => Number.parseInt(byte, 16));
}

const PMS5003: ChecksumSpec = { algorithm: { kind: "sum16" }, from: 0, to: -2, at: -2, as: "u16be" };
const SDS011: ChecksumSpec = { algorithm: { kind: "sum8" }, from: 2, to: 8, at: 8, as: "u8" };
const MHZ19B: ChecksumSpec = { algorithm: { kind: "sum8", complement: "twos" }, from: 1, to: 8, at: 8, as: "u8" };
const P1: ChecksumSpec = {
  algorithm: { kind: "crc", parameters: CRC_CATALOGUE["CRC-16/ARC"] },
  from: { before: latin1("/") },
  to: { after: latin1("!") },
  at: { after: latin1("!") },
  as: "hex",
  optional: true,
};
const VE_DIRECT: ChecksumSpec = { algorithm: { kind: "sum8" }, from: 0, to: "end", equals: 0 };
const NMEA: ChecksumSpec = {
  algorithm: { kind: "xor8" },
  from: { after: latin1("$") },
  to: { before: latin1("*") },
  at: { after: latin1("*") },
  as: "hex",
};
const MODBUS: ChecksumSpec = {
  algorithm: { kind: "crc", parameters: CRC_CATALOGUE["CRC-16/MODBUS"] },
  from: 0,
  to: -2,
  at: -2,
  as: "u16le",
};

test("known frames are sound, and with one bit turned over they are not", () => {
  const known: readonly (readonly [string, ChecksumSpec, Uint8Array])[] = [
    // The request that the MH-Z19B manual prints for reading the concentration.
    ["MH-Z19B", MHZ19B, hex("FF 01 86 00 00 00 00 00 79")],
    // Modbus over Serial Line: read holding register 0 of slave 1.
    ["Modbus", MODBUS, hex("01 03 00 00 00 01 84 0A")],
    ["NMEA", NMEA, latin1("$GPGLL,4916.45,N,12311.12,W,225444,A*31")],
    ["PMS5003", PMS5003, hex("42 4D 00 02 00 91")],
    ["SDS011", SDS011, hex("AA C0 D4 04 3A 0A A1 60 1D AB")],
    ["VE.Direct", VE_DIRECT, latin1("\r\nV\t1\r\nChecksum\t\x06")],
  ];
  for (const [name, spec, frame] of known) {
    const sound = verifier(spec);
    assert.ok(sound(frame), name);
    const spoilt = Uint8Array.from(frame);
    spoilt[4] = (spoilt[4] ?? 0) ^ 1;
    assert.ok(!sound(spoilt), name);
    assert.deepEqual(text(sealer(spec)(frame)), text(frame), `${name} sealed again`);
  }
});

test("hex may be lower case and lack leading zeros, and is written in upper case with them", () => {
  const seal = sealer(P1);
  const sound = verifier(P1);
  // The first telegram whose CRC has a leading zero and a letter.
  const found = Array.from({ length: 1000 }, (_, n) => text(seal(latin1(`/ABC5\r\n${n}\r\n!\r\n`)))).find((telegram) =>
    /!0[0-9A-F]{2}[A-F]\r\n$/.test(telegram),
  );
  assert.ok(found !== undefined);
  const crc = found.slice(-6, -2);
  const written = (digits: string): boolean => sound(latin1(found.replace(`!${crc}`, `!${digits}`)));
  assert.ok(written(crc));
  assert.ok(written(crc.toLowerCase()));
  assert.ok(written(crc.replace(/^0+/, "")));
  assert.ok(!written(crc.slice(0, -1)));
  assert.ok(!written("FFFF"));
});

test("an optional checksum may be left out, but not be garbage", () => {
  const sound = verifier(P1);
  assert.ok(sound(latin1("/ISK5\r\n!\r\n")));
  assert.ok(sound(latin1("/ISK5\r\n!")));
  assert.ok(!sound(latin1("/ISK5\r\n!XY\r\n")));
  assert.ok(!sound(latin1("/ISK5\r\n!0000\r\n")));
  assert.ok(verifier({ ...NMEA, optional: true })(latin1("$GPGLL,1")));
  assert.ok(!verifier(NMEA)(latin1("$GPGLL,1")));
  assert.ok(!verifier(NMEA)(latin1("$GPGLL,1*")));
});

test("a span reaches from the first of its markers to the last", () => {
  const frame = sealer(NMEA)(latin1("$A$B*C*\r\n"));
  const xor = [..."A$B*C"].reduce((total, character) => total ^ character.charCodeAt(0), 0);
  assert.equal(text(frame), `$A$B*C*${xor.toString(16).toUpperCase().padStart(2, "0")}\r\n`);
});

test("a sealer replaces what is there and leaves the frame it was given alone", () => {
  const template = latin1("$GPGLL,1*7f\r\n");
  const sealed = text(sealer(NMEA)(template));
  assert.equal(sealed, text(sealer(NMEA)(latin1("$GPGLL,1*\r\n"))));
  assert.equal(text(template), "$GPGLL,1*7f\r\n");
  assert.deepEqual(sealer(MODBUS)(hex("01 03 00 00 00 01 FF FF")), hex("01 03 00 00 00 01 84 0A"));
  // The end of the span counts from an end that moves when digits are put in.
  const counted: ChecksumSpec = { ...NMEA, to: -5 };
  assert.ok(verifier(counted)(sealer(counted)(latin1("$GPGLL,1*\r\n"))));
});

test("what is sealed is sound, for every algorithm and way of carrying it", () => {
  const algorithms: readonly (readonly [ChecksumSpec["algorithm"], number])[] = [
    [{ kind: "sum8" }, 8],
    [{ kind: "sum8", complement: "ones" }, 8],
    [{ kind: "sum8", complement: "twos" }, 8],
    [{ kind: "xor8" }, 8],
    [{ kind: "xor8", complement: "ones" }, 8],
    [{ kind: "sum16" }, 16],
    [{ kind: "sum16", complement: "twos" }, 16],
    ...Object.values(CRC_CATALOGUE).map((parameters) => [{ kind: "crc", parameters }, parameters.width] as const),
  ];
  const carriers: readonly (readonly [Carried, number])[] = [
    ["u8", 8],
    ["u16be", 16],
    ["u16le", 16],
    ["u32be", 32],
    ["u32le", 32],
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...algorithms),
      fc.uint8Array({ minLength: 8, maxLength: 40 }),
      ([algorithm, width], bytes) => {
        for (const [as, room] of carriers.filter(([, bits]) => bits >= width)) {
          const spec: ChecksumSpec = { algorithm, from: 1, to: -room / 8, at: -room / 8, as };
          const sealed = sealer(spec)(bytes);
          assert.ok(verifier(spec)(sealed), as);
          assert.equal(sealed.length, bytes.length);
          sealed[sealed.length - 1] = ~(sealed.at(-1) ?? 0);
          assert.ok(!verifier(spec)(sealed), as);
        }
        if (width !== 8) return;
        for (const equals of [0, 1, 0xff]) {
          const spec: ChecksumSpec = { algorithm, from: 0, to: -1, equals };
          assert.ok(verifier(spec)(sealer(spec)(bytes)));
        }
      },
    ),
  );
});

test("a verifier never throws, whatever the frame", () => {
  const specs = [PMS5003, SDS011, MHZ19B, P1, VE_DIRECT, NMEA, MODBUS, { ...P1, at: -4 }, { ...NMEA, from: 5, to: 2 }];
  const verifiers = specs.map(verifier);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(..."/!$*0A\r\n") }).map(latin1),
  );
  fc.assert(
    fc.property(bytes, (frame) => {
      for (const sound of verifiers) assert.equal(typeof sound(frame), "boolean");
    }),
    { numRuns: 1000 },
  );
  assert.ok(!verifier(MODBUS)(new Uint8Array(1)));
  assert.ok(!verifier({ ...NMEA, from: 5, to: 2 })(latin1("$ABCDEF*00")));
});

test("a sealer refuses a frame that has no place for the checksum", () => {
  const lacks = /^RangeError: the frame to seal lacks a place/;
  assert.throws(() => sealer(NMEA)(latin1("$GPGLL,1")), lacks);
  assert.throws(() => sealer(NMEA)(latin1("GPGLL*")), lacks);
  assert.throws(() => sealer(SDS011)(new Uint8Array(8)), lacks);
  assert.throws(() => sealer(MODBUS)(new Uint8Array(1)), lacks);
  assert.throws(() => sealer(VE_DIRECT)(new Uint8Array(0)), lacks);
  assert.throws(() => sealer({ ...VE_DIRECT, from: 3, to: 3 })(new Uint8Array(5)), lacks);
});

test("a specification that cannot be is refused by name", () => {
  const refuses = (spec: ChecksumSpec, message: RegExp): void => {
    assert.throws(() => verifier(spec), message);
    assert.throws(() => sealer(spec), message);
  };
  const sum8: ChecksumSpec = { algorithm: { kind: "sum8" }, from: 0, to: -1 };
  refuses(sum8, /^RangeError: at: must say where/);
  refuses({ ...sum8, at: -1 }, /^RangeError: as: must say how/);
  refuses({ ...sum8, equals: 0, at: -1, as: "u8" }, /^RangeError: equals: stands instead/);
  refuses({ ...sum8, equals: 256 }, /^RangeError: equals: must be a whole number of 8 bits/);
  refuses({ ...sum8, at: -1, as: "u8", optional: true }, /^RangeError: optional/);
  refuses({ ...PMS5003, as: "u8" }, /^RangeError: as: a checksum of 16 bits does not fit into u8/);
  refuses({ ...NMEA, from: { after: new Uint8Array(0) } }, /^RangeError: from: must have 1 to 8 bytes/);
  refuses({ ...NMEA, to: 1.5 }, /^RangeError: to: must be a whole number/);
  refuses({ ...NMEA, at: { before: new Uint8Array(9) } }, /^RangeError: at: must have/);
  assert.throws(
    () => sealer({ ...PMS5003, at: undefined, as: undefined, equals: 0 } as unknown as ChecksumSpec),
    /one byte/,
  );
});
