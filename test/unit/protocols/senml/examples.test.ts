import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSenmlCbor, decodeSenmlJson, type ResolvedRecord } from "../../../../src/protocols/senml/index.js";

const NOW = 1_763_890_000_123;
const json = (text: string): ResolvedRecord[] => decodeSenmlJson(Buffer.from(text), { now: NOW });
const DEVICE = "urn:dev:ow:10e2073a01080063";

test("RFC 8428 5.1.1: a single data point is measured now", () => {
  assert.deepEqual(json(`[{"n":"${DEVICE}","u":"Cel","v":23.1}]`), [
    { name: DEVICE, unit: "Cel", value: 23.1, time: NOW },
  ]);
});

const CURRENTS = [1.2, 1.3, 1.4, 1.5, 1.6, 1.7];
const SERIES: ResolvedRecord[] = [
  { name: "urn:dev:ow:10e2073a0108006:voltage", unit: "V", value: 120.1, time: 1_276_020_076_001 },
  ...CURRENTS.map((value, index) => ({
    name: "urn:dev:ow:10e2073a0108006:current",
    unit: "A",
    value,
    time: 1_276_020_076_001 - (5 - index) * 1000,
  })),
];

test("RFC 8428 5.1.2: base time, base unit and a version that is not the newest", () => {
  const text = `[
     {"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,
      "bu":"A","bver":5,
      "n":"voltage","u":"V","v":120.1},
     {"n":"current","t":-5,"v":1.2},
     {"n":"current","t":-4,"v":1.3},
     {"n":"current","t":-3,"v":1.4},
     {"n":"current","t":-2,"v":1.5},
     {"n":"current","t":-1,"v":1.6},
     {"n":"current","v":1.7}
   ]`;
  assert.deepEqual(json(text), SERIES);
});

test("RFC 8428 6: the same in CBOR, from the dump", () => {
  const dump = `
    87 a7 21 78 1b 75 72 6e 3a 64 65 76 3a 6f 77 3a 31 30 65 32 30 37 33 61 30 31 30 38 30 30 36 3a
    22 fb 41 d3 03 a1 5b 00 10 62 23 61 41 20 05 00 67 76 6f 6c 74 61 67 65 01 61 56 02 fb 40 5e 06
    66 66 66 66 66 a3 00 67 63 75 72 72 65 6e 74 06 24 02 fb 3f f3 33 33 33 33 33 33 a3 00 67 63 75
    72 72 65 6e 74 06 23 02 fb 3f f4 cc cc cc cc cc cd a3 00 67 63 75 72 72 65 6e 74 06 22 02 fb 3f
    f6 66 66 66 66 66 66 a3 00 67 63 75 72 72 65 6e 74 06 21 02 f9 3e 00 a3 00 67 63 75 72 72 65 6e
    74 06 20 02 fb 3f f9 99 99 99 99 99 9a a3 00 67 63 75 72 72 65 6e 74 06 00 02 fb 3f fb 33 33 33
    33 33 33`;
  const bytes = Buffer.from(dump.replace(/\s/g, ""), "hex");
  assert.equal(bytes.length, 0xc3);
  assert.deepEqual(decodeSenmlCbor(bytes, { now: NOW }), SERIES);
});

test("RFC 8428 5.1.3 and 5.1.4: several measurements, in resolved form", () => {
  const text = `[
     {"bn":"${DEVICE}","bt":1.320067464e+09,"bu":"%RH","v":20},
     {"u":"lon","v":24.30621},
     {"t":60,"v":20.3},
     {"u":"%EL","t":150,"v":98}
   ]`;
  assert.deepEqual(json(text), [
    { name: DEVICE, unit: "%RH", value: 20, time: 1_320_067_464_000 },
    { name: DEVICE, unit: "lon", value: 24.30621, time: 1_320_067_464_000 },
    { name: DEVICE, unit: "%RH", value: 20.3, time: 1_320_067_524_000 },
    { name: DEVICE, unit: "%EL", value: 98, time: 1_320_067_614_000 },
  ]);
});

test("RFC 8428 5.1.5: every type of value", () => {
  const text = `[
    {"bn":"${DEVICE}:","n":"temp","u":"Cel","v":23.1},
    {"n":"label","vs":"Machine Room"},
    {"n":"open","vb":false},
    {"n":"nfv-reader","vd":"aGkgCg"}
  ]`;
  assert.deepEqual(json(text), [
    { name: `${DEVICE}:temp`, unit: "Cel", value: 23.1, time: NOW },
    { name: `${DEVICE}:label`, value: "Machine Room", time: NOW },
    { name: `${DEVICE}:open`, value: false, time: NOW },
    { name: `${DEVICE}:nfv-reader`, value: new Uint8Array([0x68, 0x69, 0x20, 0x0a]), time: NOW },
  ]);
});

test("RFC 8428 5.1.6: a base name holds until the next, the base time all along", () => {
  const text = `[
     {"bn":"2001:db8::2/","bt":1.320078429e+09,"n":"temperature","u":"Cel","v":25.2},
     {"n":"humidity","u":"%RH","v":30},
     {"bn":"2001:db8::1/","n":"temperature","u":"Cel","v":12.3},
     {"n":"humidity","u":"%RH","v":67}
   ]`;
  assert.deepEqual(
    json(text).map((record) => [record.name, record.time]),
    ["2001:db8::2/temperature", "2001:db8::2/humidity", "2001:db8::1/temperature", "2001:db8::1/humidity"].map(
      (name) => [name, 1_320_078_429_000],
    ),
  );
});

test("RFC 8428 5.1.7: a record of base fields alone is no measurement", () => {
  const text = `[{"bn":"${DEVICE}:"},{"n":"temp","u":"Cel","v":23.1},{"n":"heat","u":"/","v":1}]`;
  assert.deepEqual(
    json(text).map((record) => record.name),
    [`${DEVICE}:temp`, `${DEVICE}:heat`],
  );
});
