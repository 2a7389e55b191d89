import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CRC_CATALOGUE, type CrcName } from "../../../../src/protocols/checksum/catalogue.js";
import { type CrcParameters, createCrc } from "../../../../src/protocols/checksum/crc.js";

const DIGITS = new TextEncoder().encode("123456789");

/** The "check" column of the catalogue: the CRC of the digits 1 to 9. */
const CHECKS: Readonly<Record<CrcName, number>> = {
  "CRC-8/AUTOSAR": 0xdf,
  "CRC-8/BLUETOOTH": 0x26,
  "CRC-8/CDMA2000": 0xda,
  "CRC-8/DARC": 0x15,
  "CRC-8/DVB-S2": 0xbc,
  "CRC-8/HITAG": 0xb4,
  "CRC-8/I-432-1": 0xa1,
  "CRC-8/LTE": 0xea,
  "CRC-8/MAXIM-DOW": 0xa1,
  "CRC-8/NRSC-5": 0xf7,
  "CRC-8/OPENSAFETY": 0x3e,
  "CRC-8/ROHC": 0xd0,
  "CRC-8/SAE-J1850": 0x4b,
  "CRC-8/SMBUS": 0xf4,
  "CRC-8/TECH-3250": 0x97,
  "CRC-8/WCDMA": 0x25,
  "CRC-16/ARC": 0xbb3d,
  "CRC-16/CMS": 0xaee7,
  "CRC-16/DECT-X": 0x007f,
  "CRC-16/DNP": 0xea82,
  "CRC-16/EN-13757": 0xc2b7,
  "CRC-16/GENIBUS": 0xd64e,
  "CRC-16/GSM": 0xce3c,
  "CRC-16/IBM-3740": 0x29b1,
  "CRC-16/IBM-SDLC": 0x906e,
  "CRC-16/KERMIT": 0x2189,
  "CRC-16/LJ1200": 0xbdf4,
  "CRC-16/MAXIM-DOW": 0x44c2,
  "CRC-16/MCRF4XX": 0x6f91,
  "CRC-16/MODBUS": 0x4b37,
  "CRC-16/PROFIBUS": 0xa819,
  "CRC-16/SPI-FUJITSU": 0xe5cc,
  "CRC-16/T10-DIF": 0xd0db,
  "CRC-16/UMTS": 0xfee8,
  "CRC-16/USB": 0xb4c8,
  "CRC-16/XMODEM": 0x31c3,
  "CRC-32/AIXM": 0x3010bf7f,
  "CRC-32/AUTOSAR": 0x1697d06a,
  "CRC-32/BASE91-D": 0x87315576,
  "CRC-32/BZIP2": 0xfc891918,
  "CRC-32/CKSUM": 0x765e7680,
  "CRC-32/ISCSI": 0xe3069283,
  "CRC-32/ISO-HDLC": 0xcbf43926,
  "CRC-32/JAMCRC": 0x340bc6d9,
  "CRC-32/MPEG-2": 0x0376e6e7,
  "CRC-32/XFER": 0xbd0be338,
};

test("every CRC of the catalogue gives its check value", () => {
  for (const [name, check] of Object.entries(CHECKS)) {
    assert.equal(createCrc(CRC_CATALOGUE[name as CrcName])(DIGITS), check, name);
  }
});

/** The definition, bit by bit, in the terms of the Rocksoft model. */
function slowly({ width, poly, init, refin, refout, xorout }: CrcParameters, bytes: Uint8Array): bigint {
  const size = BigInt(width);
  const turn = (value: bigint, bits: bigint): bigint => {
    let turned = 0n;
    for (let bit = 0n; bit < bits; bit += 1n) turned |= ((value >> bit) & 1n) << (bits - 1n - bit);
    return turned;
  };
  let register = BigInt(init);
  for (const byte of bytes) {
    register ^= (refin ? turn(BigInt(byte), 8n) : BigInt(byte)) << (size - 8n);
    for (let bit = 0; bit < 8; bit += 1) {
      register <<= 1n;
      if ((register >> size) & 1n) register ^= (1n << size) | BigInt(poly);
    }
  }
  return (refout ? turn(register, size) : register) ^ BigInt(xorout);
}

test("any parameters give what the definition says, bit by bit", () => {
  const parameters = fc.constantFrom(8 as const, 16 as const, 32 as const).chain((width) => {
    const register = fc.integer({ min: 0, max: 2 ** width - 1 });
    const flag = fc.boolean();
    return fc.record({
      width: fc.constant(width),
      poly: register.map((poly) => (poly | 1) >>> 0),
      init: register,
      refin: flag,
      refout: flag,
      xorout: register,
    });
  });
  fc.assert(
    fc.property(parameters, fc.uint8Array({ maxLength: 30 }), (crc, bytes) => {
      assert.equal(BigInt(createCrc(crc)(bytes)), slowly(crc, bytes));
    }),
    { numRuns: 500 },
  );
});

test("parameters that do not fit the width are refused by name", () => {
  const crc = { width: 8, poly: 7, init: 0, refin: false, refout: false, xorout: 0 } as const;
  assert.throws(() => createCrc({ ...crc, poly: 256 }), /^RangeError: poly: must be a whole number of 8 bits$/);
  assert.throws(() => createCrc({ ...crc, poly: 0xe0 }), /^RangeError: poly: must be odd/);
  assert.throws(() => createCrc({ ...crc, init: -1 }), /^RangeError: init/);
  assert.throws(() => createCrc({ ...crc, xorout: 0.5 }), /^RangeError: xorout/);
});
