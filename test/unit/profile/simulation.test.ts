import assert from "node:assert/strict";
import { test } from "node:test";
import { generatorOf } from "../../../src/profile/generator.js";
import { bundledFolder, loadProfile, serialCodec, simulation } from "../../../src/profile/index.js";
import { formatLike, formatNumber } from "../../../src/profile/layout/spans.js";
import type { Rule } from "../../../src/profile/schema/fields.js";
import { showHex } from "../../../src/profile/schema/text.js";
import { profileOf } from "./fixture.js";

const FOLDERS = [bundledFolder];
const RULE: Rule = { scale: 1, offset: 0, invalid: [] };

test("numbers are written in the manner of the sample", () => {
  assert.equal(formatLike("21.5", 3.14, RULE), "3.1");
  assert.equal(formatLike("000004.426", 17.5, RULE), "000017.500");
  assert.equal(formatLike("40", 55.4, RULE), "55");
  assert.equal(formatLike("+07", 3, RULE), "+03");
  assert.equal(formatLike("10", -4, RULE), "-4");
  assert.equal(formatLike("10", -0.2, RULE), "0");
  assert.equal(formatLike("0x00ff", 26, { ...RULE, base: 16 }), "0x001a");
  assert.equal(formatLike("4657.06120", 703.5, { ...RULE, format: "ddmm" }), "0703.50000");
  assert.equal(formatLike("", 1.23456, RULE), "1.235");
  assert.equal(formatLike("1", false, RULE), "0");
  assert.equal(formatNumber(-2.5, 2, 6), "-002.50");
  assert.equal(formatNumber(7, undefined, 0), "7");
});

test("generators stay within their range, and the same seed gives the same values", () => {
  for (const kind of ["sine", "ramp", "walk"] as const) {
    const section = { [kind]: { min: 2, max: 5, period: 1000 } };
    const generator = generatorOf(section, 7, "a", 3);
    const again = generatorOf(section, 7, "a", 3);
    const other = generatorOf(section, 8, "a", 3);
    const values = Array.from({ length: 500 }, (_, step) => Number(generator(step * 37)));
    assert.ok(
      values.every((value) => value >= 2 && value <= 5),
      kind,
    );
    assert.ok(new Set(values).size > 20, `${kind} moves`);
    assert.deepEqual(
      values,
      Array.from({ length: 500 }, (_, step) => again(step * 37)),
    );
    if (kind !== "ramp")
      assert.notDeepEqual(
        values,
        Array.from({ length: 500 }, (_, step) => other(step * 37)),
      );
  }
  const counter = generatorOf({ counter: { start: 10, perHour: 3.6 } }, 1, "a", 3);
  assert.equal(counter(0), 10);
  assert.equal(counter(1_000_000), 11);
  const choice = generatorOf({ choice: { of: ["a", "b"], period: 1000 } }, 1, "a", 0);
  assert.deepEqual([0, 499, 500, 999, 1000].map(choice), ["a", "a", "b", "b", "a"]);
  assert.equal(generatorOf({ constant: true }, 1, "a", 0)(5), true);
});

test("a meter starts where the profile says, whenever it is first asked", () => {
  const simulated = simulation(loadProfile("dsmr/p1", FOLDERS), 1);
  assert.equal(simulated?.values(1_763_890_000_000).get("gas"), 12785.123);
  assert.equal(simulated?.values(1_763_893_600_000).get("gas"), 12785.223);
});

test("a polled device answers its polls, says nothing unasked, and nothing to what it does not know", () => {
  const profile = loadProfile("winsen/mh-z19b", FOLDERS);
  const simulated = simulation(profile, 1);
  const codec = serialCodec(profile);
  assert.deepEqual(simulated?.frames(0), []);
  const answer = simulated?.answer(codec.polls[0]?.request ?? new Uint8Array(), 0);
  const decoded = codec.decode(answer ?? new Uint8Array());
  assert.ok(decoded.kind === "values" && decoded.values[0]?.value === simulated?.values(0).get("co2"));
  assert.equal(simulated?.answer(Uint8Array.of(1, 2, 3), 0), undefined);
  assert.equal(simulated?.answer(codec.encode("calibrate_zero", "execute").request, 0)?.length, 0, "it has no answer");
});

test("a write changes what the device answers and says", () => {
  const profile = loadProfile("nova/sds011", FOLDERS);
  const simulated = simulation(profile, 1);
  const codec = serialCodec(profile);
  const { request, answers } = codec.encode("working_period", "write", 12);
  const bytes = simulated?.answer(request, 0) ?? new Uint8Array();
  const decoded = codec.decode(bytes);
  assert.deepEqual(decoded.kind === "values" ? [decoded.message] : [], answers);
  assert.equal(simulated?.values(1).get("working_period"), 12);
  assert.equal(codec.framer().push(bytes, 0)[0]?.kind, "frame", "its checksum is right");
  assert.equal(simulated?.answer(codec.encode("mode", "write", "sleep").request, 0)?.[4], 0);
});

test("a simulated device understands text commands, with a checksum and without", () => {
  const profile = profileOf(
    "  level: { access: RW }\n  name: { access: RW, type: string }",
    `  framing: { line: {} }
  checksum: { algorithm: sum8, at: { after: "*" }, type: hex }
  messages: { state: { text: { pattern: 'L=(?<level>[0-9.]+) N=(?<name>[^*]*)' } } }
  commands:
    level: { text: "L={value}*00", value: { width: 5 }, checksum: true, answer: state }
    name: { text: "N={value}!", answer: state }`,
    `samples: [{ name: one, text: "L=1.00 N=x*95\\n", readings: { level: 1, name: x } }]
simulate: { sends: [] }`,
  );
  const simulated = simulation(profile, 1);
  const codec = serialCodec(profile);
  assert.ok(simulated?.answer(codec.encode("level", "write", 12.25).request, 0));
  assert.ok(simulated?.answer(codec.encode("name", "write", "pump!").request, 0));
  assert.equal(simulated?.values(0).get("level"), 12.25);
  assert.equal(simulated?.values(0).get("name"), "pump!");
});

test("of several answers a simulated device gives the first, and sends none of them unasked", () => {
  const profile = profileOf(
    "  a: {}\n  b: {}\n  c: {}",
    `  framing: { line: {} }
  messages:
    measurement: { text: { pattern: 'a=(?<a>.)' } }
    fault: { text: { pattern: 'b=(?<b>.)' } }
    greeting: { text: { pattern: 'c=(?<c>.)' } }
  polls:
    - { request: "X", every: 5s, answer: [measurement, fault] }
    - { request: "Y", every: 5s }`,
    `samples:
  - { name: two, text: "b=2\\n", readings: { b: 2 } }
  - { name: one, text: "a=1\\n", readings: { a: 1 } }
  - { name: three, text: "c=3\\n", readings: { c: 3 } }
simulate: {}`,
  );
  const simulated = simulation(profile, 1);
  const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();
  assert.equal(text(simulated?.answer(Buffer.from("X"), 0)), "a=1\r\n");
  assert.equal(text(simulated?.answer(Buffer.from("Y"), 0)), "", "a poll without an answer");
  assert.equal(text(simulated?.answer(Buffer.from("Z"), 0)), undefined);
  assert.deepEqual(simulated?.frames(0).map(text), ["c=3\r\n"]);
  assert.deepEqual(Object.fromEntries(simulated?.values(0) ?? []), { a: 1, c: 3 });
});

test("over SLIP a simulated device takes the escapes off a request", () => {
  const profile = profileOf(
    "  a: { access: RW }",
    `  framing: { slip: {} }
  messages: { m: { binary: { a: { at: 0, type: u8 } } } }
  commands: { a: { hex: "01 00", value: { at: 1, type: u8 }, answer: m } }`,
    `samples: [{ name: one, hex: "C0 07 C0", readings: { a: 7 } }]
simulate: {}`,
  );
  const simulated = simulation(profile, 1);
  const answer = simulated?.answer(serialCodec(profile).encode("a", "write", 0xdb).request, 0);
  assert.equal(showHex(answer ?? new Uint8Array()), "C0 DB DD C0");
});

test("a value that has no room leaves the sample's own", () => {
  const profile = profileOf(
    "  a: {}",
    "  framing: { fixed: { length: 1 } }\n  messages: { m: { binary: { a: { at: 0, type: u8 } } } }",
    `samples: [{ name: one, hex: "07", readings: { a: 7 } }]
simulate: { values: { a: { counter: { start: 255, perHour: 3600 } } } }`,
  );
  const simulated = simulation(profile, 1);
  assert.equal(simulated?.values(0).get("a"), 255);
  assert.equal(simulated?.values(1000).get("a"), 7);
});

test("a profile that says nothing about it is not simulated", () => {
  const profile = profileOf("  a: {}", "  framing: { slip: {} }\n  messages: { m: { json: { fields: { a: {} } } } }");
  assert.equal(simulation(profile, 1), undefined);
});
