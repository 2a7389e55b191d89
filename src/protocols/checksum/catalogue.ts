import type { CrcParameters } from "./crc.js";

/**
 * CRCs by the names of the CRC RevEng catalogue (reveng.sourceforge.io/crc-catalogue), those that sensors and meters use
 * and their close relatives.
 */
export const CRC_CATALOGUE = {
  "CRC-8/AUTOSAR": crc(8, 0x2f, 0xff, false, 0xff),
  "CRC-8/BLUETOOTH": crc(8, 0xa7, 0x00, true, 0x00),
  "CRC-8/CDMA2000": crc(8, 0x9b, 0xff, false, 0x00),
  "CRC-8/DARC": crc(8, 0x39, 0x00, true, 0x00),
  "CRC-8/DVB-S2": crc(8, 0xd5, 0x00, false, 0x00),
  "CRC-8/HITAG": crc(8, 0x1d, 0xff, false, 0x00),
  "CRC-8/I-432-1": crc(8, 0x07, 0x00, false, 0x55),
  "CRC-8/LTE": crc(8, 0x9b, 0x00, false, 0x00),
  "CRC-8/MAXIM-DOW": crc(8, 0x31, 0x00, true, 0x00),
  "CRC-8/NRSC-5": crc(8, 0x31, 0xff, false, 0x00),
  "CRC-8/OPENSAFETY": crc(8, 0x2f, 0x00, false, 0x00),
  "CRC-8/ROHC": crc(8, 0x07, 0xff, true, 0x00),
  "CRC-8/SAE-J1850": crc(8, 0x1d, 0xff, false, 0xff),
  "CRC-8/SMBUS": crc(8, 0x07, 0x00, false, 0x00),
  "CRC-8/TECH-3250": crc(8, 0x1d, 0xff, true, 0x00),
  "CRC-8/WCDMA": crc(8, 0x9b, 0x00, true, 0x00),
  "CRC-16/ARC": crc(16, 0x8005, 0x0000, true, 0x0000),
  "CRC-16/CMS": crc(16, 0x8005, 0xffff, false, 0x0000),
  "CRC-16/DECT-X": crc(16, 0x0589, 0x0000, false, 0x0000),
  "CRC-16/DNP": crc(16, 0x3d65, 0x0000, true, 0xffff),
  "CRC-16/EN-13757": crc(16, 0x3d65, 0x0000, false, 0xffff),
  "CRC-16/GENIBUS": crc(16, 0x1021, 0xffff, false, 0xffff),
  "CRC-16/GSM": crc(16, 0x1021, 0x0000, false, 0xffff),
  "CRC-16/IBM-3740": crc(16, 0x1021, 0xffff, false, 0x0000),
  "CRC-16/IBM-SDLC": crc(16, 0x1021, 0xffff, true, 0xffff),
  "CRC-16/KERMIT": crc(16, 0x1021, 0x0000, true, 0x0000),
  "CRC-16/LJ1200": crc(16, 0x6f63, 0x0000, false, 0x0000),
  "CRC-16/MAXIM-DOW": crc(16, 0x8005, 0x0000, true, 0xffff),
  "CRC-16/MCRF4XX": crc(16, 0x1021, 0xffff, true, 0x0000),
  "CRC-16/MODBUS": crc(16, 0x8005, 0xffff, true, 0x0000),
  "CRC-16/PROFIBUS": crc(16, 0x1dcf, 0xffff, false, 0xffff),
  "CRC-16/SPI-FUJITSU": crc(16, 0x1021, 0x1d0f, false, 0x0000),
  "CRC-16/T10-DIF": crc(16, 0x8bb7, 0x0000, false, 0x0000),
  "CRC-16/UMTS": crc(16, 0x8005, 0x0000, false, 0x0000),
  "CRC-16/USB": crc(16, 0x8005, 0xffff, true, 0xffff),
  "CRC-16/XMODEM": crc(16, 0x1021, 0x0000, false, 0x0000),
  "CRC-32/AIXM": crc(32, 0x8141_41ab, 0x0000_0000, false, 0x0000_0000),
  "CRC-32/AUTOSAR": crc(32, 0xf4ac_fb13, 0xffff_ffff, true, 0xffff_ffff),
  "CRC-32/BASE91-D": crc(32, 0xa833_982b, 0xffff_ffff, true, 0xffff_ffff),
  "CRC-32/BZIP2": crc(32, 0x04c1_1db7, 0xffff_ffff, false, 0xffff_ffff),
  "CRC-32/CKSUM": crc(32, 0x04c1_1db7, 0x0000_0000, false, 0xffff_ffff),
  "CRC-32/ISCSI": crc(32, 0x1edc_6f41, 0xffff_ffff, true, 0xffff_ffff),
  "CRC-32/ISO-HDLC": crc(32, 0x04c1_1db7, 0xffff_ffff, true, 0xffff_ffff),
  "CRC-32/JAMCRC": crc(32, 0x04c1_1db7, 0xffff_ffff, true, 0x0000_0000),
  "CRC-32/MPEG-2": crc(32, 0x04c1_1db7, 0xffff_ffff, false, 0x0000_0000),
  "CRC-32/XFER": crc(32, 0x0000_00af, 0x0000_0000, false, 0x0000_0000),
} as const satisfies Readonly<Record<string, CrcParameters>>;

export type CrcName = keyof typeof CRC_CATALOGUE;

/** None of the catalogue's CRCs here turns its register around: `refin` and `refout` are one. */
function crc(
  width: CrcParameters["width"],
  poly: number,
  init: number,
  reflected: boolean,
  xorout: number,
): CrcParameters {
  return { width, poly, init, refin: reflected, refout: reflected, xorout };
}
