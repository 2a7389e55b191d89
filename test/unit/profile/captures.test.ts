import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { bundledFolder, type Decoded, loadProfile, serialCodec } from "../../../src/profile/index.js";

/** Recordings of real devices. They belong to their authors and are not part of this repository. */
const FOLDER = join(bundledFolder, "..", "..", "shared", "captures");
const RECORDINGS = existsSync(FOLDER) ? { skip: false } : { skip: "the folder ../shared/captures is not there" };

interface Played {
  /** Resource to value, frame by frame. */
  readonly readings: readonly Readonly<Record<string, unknown>>[];
  readonly others: readonly Decoded[];
  readonly messages: readonly string[];
  readonly discards: Readonly<Record<string, number>>;
}

/** A recording through framer and codec, in chunks as a serial port may give them. */
function play(profile: string, bytes: Uint8Array, chunk = 7): Played {
  const codec = serialCodec(loadProfile(profile, [bundledFolder]));
  const framer = codec.framer();
  const readings: Record<string, unknown>[] = [];
  const others: Decoded[] = [];
  const messages: string[] = [];
  const discards: Record<string, number> = {};
  let counted = 0;
  const outputs = [];
  for (let at = 0; at < bytes.length; at += chunk) outputs.push(...framer.push(bytes.subarray(at, at + chunk), at));
  outputs.push(...framer.end());
  for (const output of outputs) {
    counted += output.size;
    if (output.kind === "discard") {
      discards[output.reason] = (discards[output.reason] ?? 0) + output.size;
      continue;
    }
    const decoded = codec.decode(output.bytes);
    if (decoded.kind !== "values") {
      others.push(decoded);
      continue;
    }
    messages.push(decoded.message);
    readings.push(Object.fromEntries(decoded.values.map(({ resource, value }) => [resource, value])));
  }
  assert.equal(counted, bytes.length, "every byte is accounted for");
  return { readings, others, messages, discards };
}

function recording(name: string): Uint8Array {
  return readFileSync(join(FOLDER, name));
}

/** The columns of a recording's expected values. */
function expected(name: string): Record<string, number>[] {
  const [head = "", ...rows] = readFileSync(join(FOLDER, name), "utf8").trim().split("\n");
  const names = head.split(",").map((column) => column.trim());
  return rows.map((row) =>
    Object.fromEntries(row.split(",").map((value, index) => [names[index] ?? "", Number(value)])),
  );
}

/** Lines of a gpsd log without its comments. */
function sentences(name: string): Uint8Array {
  const lines = readFileSync(join(FOLDER, name), "latin1").split(/(?<=\n)/);
  return Buffer.from(lines.filter((line) => !line.startsWith("#")).join(""), "latin1");
}

function allGood(played: Played): void {
  assert.deepEqual(played.others, []);
  assert.deepEqual(played.discards, {});
}

test("PMS5003", RECORDINGS, () => {
  const played = play("plantower/pms5003", recording("pmsx003.bin"));
  allGood(played);
  const rows = expected("pmsx003.expected.csv");
  assert.equal(played.readings.length, rows.length);
  for (const [index, row] of rows.entries()) {
    const reading = played.readings[index];
    assert.deepEqual(
      [reading?.["pm1_0_cf1"], reading?.["pm2_5_cf1"], reading?.["pm10_cf1"]],
      [row["raw01"], row["raw25"], row["raw10"]],
    );
    assert.deepEqual(
      [reading?.["pm1_0"], reading?.["pm2_5"], reading?.["pm10"]],
      [row["pm01"], row["pm25"], row["pm10"]],
    );
    // The list has particles a cubic centimetre, the sensor says them in 0.1 l.
    assert.equal(Number(reading?.["particles_0_3"]) / 100, row["n0_3"]);
    assert.equal(Number(reading?.["particles_2_5"]) / 100, row["n2_5"]);
  }
});

test("SDS011", RECORDINGS, () => {
  const played = play("nova/sds011", recording("sds01x.bin"));
  allGood(played);
  const values = played.readings.map((reading) => [reading["pm2_5"], reading["pm10"]]);
  assert.deepEqual(
    values,
    expected("sds01x.expected.csv").map((row) => [row["pm25"], row["pm10"]]),
  );
});

test("MH-Z19B", RECORDINGS, () => {
  const played = play("winsen/mh-z19b", recording("mhz19b.bin"));
  allGood(played);
  assert.deepEqual(
    played.readings.map((reading) => reading["co2"]),
    expected("mhz19b.expected.csv").map((row) => row["CO2"]),
  );
});

test("DSMR P1", RECORDINGS, () => {
  const one = (name: string) => {
    const played = play("dsmr/p1", recording(name));
    allGood(played);
    assert.equal(played.readings.length, 1, name);
    return played.readings[0] ?? {};
  };
  const v5 = one("dsmr-v5.txt");
  assert.equal(v5["energy_import_tariff1"], 4.426);
  assert.equal(v5["voltage_l3"], 229);
  assert.equal(v5["current_l1"], 0.48);
  assert.equal(v5["gas"], 0.107);
  const v42 = one("dsmr-v42.txt");
  assert.equal(v42["power_import"], 2.027);
  assert.equal(v42["gas"], 981.443);
  const v22 = one("dsmr-v22-nocrc.txt");
  assert.equal(v22["power_import"], 1.01);
  assert.equal(v22["gas"], 1.001);
  const belgium = one("dsmr-fluvius-be.txt");
  assert.equal(belgium["demand_peak"], 2.589);
  assert.equal(belgium["gas"], 112.384);
  assert.equal(belgium["water"], 872.234);
});

test("DSMR P1: a wrong digit is not believed", RECORDINGS, () => {
  const bytes = Uint8Array.from(recording("dsmr-v5.txt"));
  const at = Buffer.from(bytes).indexOf("004.426");
  bytes[at] = 0x39;
  const played = play("dsmr/p1", bytes);
  assert.deepEqual(played.readings, []);
  assert.deepEqual(played.discards, { checksum: bytes.length });
});

test("VE.Direct", RECORDINGS, (t: TestContext) => {
  const bytes = recording("vedirect-smartsolar-1.39.dump");
  const played = play("victron/ve-direct", bytes, 64);
  assert.deepEqual(played.others, []);
  const blocks = Buffer.from(bytes).toString("latin1").split("Checksum\t").length - 1;
  t.diagnostic(`${played.readings.length} of ${blocks} blocks, discarded ${JSON.stringify(played.discards)}`);
  // The recording begins in the middle of a block.
  assert.ok(played.readings.length >= blocks - 3);
  const [first] = played.readings;
  assert.equal(first?.["battery_voltage"], 12.81);
  assert.equal(first?.["battery_current"], -0.01);
  assert.equal(first?.["load"], true);
  assert.equal(first?.["charge_state"], "off");
});

test("NMEA", RECORDINGS, (t: TestContext) => {
  const garmin = play("generic/nmea-gnss", sentences("gpsd-garmin15x.log"));
  allGood(garmin);
  const count = (message: string) => garmin.messages.filter((name) => name === message).length;
  assert.deepEqual(["position", "movement", "precision", "other"].map(count), [7, 7, 7, 36]);
  const position = garmin.readings[garmin.messages.indexOf("position")];
  assert.equal(position?.["latitude"], 32.64858);
  assert.equal(position?.["longitude"], -108.37411);
  assert.equal(position?.["altitude"], 1577.4);
  assert.equal(position?.["fix"], "differential");
  const movement = garmin.readings[garmin.messages.indexOf("movement")];
  assert.equal(movement?.["speed"], 2.727);

  const fuzzy = play("generic/nmea-gnss", sentences("gpsd-nmea-fuzzy-cases.log"));
  t.diagnostic(`fuzzy: ${fuzzy.messages.length} sentences, discarded ${JSON.stringify(fuzzy.discards)}`);
  assert.deepEqual(fuzzy.others, []);
  assert.equal(fuzzy.readings[0]?.["latitude"], 41.5749702048);
});
