import assert from "node:assert/strict";
import { test } from "node:test";
import { parseProfile, runSamples } from "../../../src/profile/index.js";
import { profileOf } from "./fixture.js";

function problemOf(sample: string): string | undefined {
  const profile = profileOf(
    "  t: {}\n  b: { type: bytes }\n  led: { access: W, type: boolean }",
    `  framing: { line: {} }
  messages: { m: { text: { pattern: '^t=(?<t>[^ ]+)(?: b=(?<b>.*))?$' } } }
  commands: { led: { text: "LED {value}", value: { enum: { ON: true } } } }`,
    `samples:\n  - { name: one, ${sample} }`,
  );
  const [result] = runSamples(profile);
  assert.equal(result?.name, "one");
  return result?.problem;
}

test("samples that hold", () => {
  assert.equal(problemOf('text: "t=1\\n", readings: { t: 1 }'), undefined);
  assert.equal(problemOf('text: "t=1 b=0AFF\\n", readings: { t: 1, b: "0A FF" }'), undefined);
  assert.equal(problemOf('text: "t=1\\nx\\nt=y\\n", readings: [{ t: 1 }, unmatched, bad]'), undefined);
  assert.equal(problemOf('text: "t=1", discards: { incomplete: 3 }, readings: []'), undefined);
  assert.equal(problemOf('lines: "t=1\\nt=2\\n", readings: [{ t: 1 }, { t: 2 }]'), undefined);
  assert.equal(problemOf('command: led, value: true, text: "LED ON"'), undefined);
});

test("samples that do not hold say why", () => {
  assert.equal(problemOf('text: "t=1\\n", readings: { t: 2 }'), "t is 1, not 2");
  assert.equal(problemOf('text: "t=1\\n", readings: { t: "1" }'), 't is 1, not "1"');
  assert.equal(problemOf('text: "t=1\\n", readings: {}'), "t is 1, but not expected");
  assert.equal(problemOf('text: "t=1\\n", readings: { t: 1, b: "00" }'), "b is missing");
  assert.equal(
    problemOf('text: "t=1\\n", readings: { t: { value: 1, quality: uncertain } }'),
    "t has quality good, not uncertain",
  );
  assert.equal(problemOf('text: "t=1\\nt=2\\n", readings: { t: 1 }'), "one more frame than expected: { t: 2 }");
  assert.equal(problemOf('text: "t=1\\n", readings: [{ t: 1 }, { t: 2 }]'), "frame 2: is missing");
  assert.equal(problemOf('text: "x\\n", readings: { t: 1 }'), "is unmatched");
  assert.equal(problemOf('text: "t=1\\n", readings: unmatched'), "must be unmatched, but is { t: 1 }");
  assert.equal(
    problemOf('text: "t=1", readings: { t: 1 }'),
    "is missing; discarded: 3 bytes as incomplete; expected: none; is the end of the last frame missing?",
  );
  assert.equal(problemOf('command: led, value: false, text: "LED OFF"'), "led: must be one of true, not false");
  assert.equal(
    problemOf('command: led, value: true, text: "LED on"'),
    "the command is 4C 45 44 20 4F 4E, not 4C 45 44 20 6F 6E",
  );
});

const WRONG_CHECKSUM = `
vendor: A
model: B
resources: { t: { unit: Cel } }
serial:
  framing: { header: { start: { hex: "AA 55" }, length: { at: 2, type: u8, add: 5 }, max: 32 } }
  checksum: { algorithm: CRC-16/MODBUS }
  messages: { m: { binary: { t: { at: 3, type: s16be, scale: 0.01 } } } }
samples:
  - { name: made up, hex: "AA 55 02 01 02 00 00", readings: { t: 2.58 } }
`;

test("a sample with a wrong checksum is told the right one", () => {
  const [result] = runSamples(parseProfile(WRONG_CHECKSUM, { file: "b.yaml", name: "a/b" }));
  assert.match(
    result?.problem ?? "",
    /7 bytes as checksum.*with its checksum right the frame would be AA 55 02 01 02 /,
  );
});

test("a profile that is simulated is told what is wrong with its samples, and nothing that follows from it", () => {
  const simulated = `${WRONG_CHECKSUM}simulate: { values: { t: { constant: 1 } } }\n`;
  assert.throws(
    () => parseProfile(simulated, { file: "b.yaml", name: "a/b" }),
    (error: Error) => {
      assert.match(error.message, /b\.yaml:10:5 samples\[0\]: .*with its checksum right/);
      assert.doesNotMatch(error.message, /no message with a sample/);
      return true;
    },
  );
});
