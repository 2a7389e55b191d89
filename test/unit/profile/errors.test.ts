import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProfileError, parseProfile, showProblem } from "../../../src/profile/index.js";
import { problemsOf } from "./fixture.js";

const SOUND = `vendor: Acme
model: T1
resources:
  t: { unit: Cel }
serial:
  framing: { line: {} }
  messages:
    m:
      text: { pattern: '(?<t>[0-9]+)' }
`;

function shown(text: string): string[] {
  return problemsOf(text).map(showProblem);
}

/** The problems of the sound profile with one thing changed. */
function changed(from: string, to: string): string[] {
  assert.ok(SOUND.includes(from));
  return shown(SOUND.replace(from, to));
}

test("a sound profile has no problems", () => {
  assert.deepEqual(shown(SOUND), []);
});

test("all problems are told at once, in the order of the text", () => {
  assert.deepEqual(
    shown(`vendor: Acme
modell: T1
resources:
  status: {}
  t: { type: flaot, min: low }
serial:
  baudRate: 9600
  framing: { line: { max: 0 } }
  messages: {}
  polls: [{ request: "hello", every: 10 }]
`),
    [
      "t1.yaml:1:1 model: is missing",
      "t1.yaml:2:1 modell: unknown key; did you mean model?",
      "t1.yaml:4:3 resources.status: is reserved: the topic of that name tells whether the device is online",
      "t1.yaml:5:14 resources.t.type: must be one of number, integer, boolean, string, bytes",
      "t1.yaml:5:26 resources.t.min: must be a number, not text",
      "t1.yaml:8:27 serial.framing.line.max: must be at least 1",
      "t1.yaml:9:3 serial.messages: must have at least one message",
      't1.yaml:10:38 serial.polls[0].every: must be a time with its unit, for example "10s", "500ms", "5m" or "1h"',
    ],
  );
});

test("mistakes of YAML", () => {
  assert.match(shown("a: [1,\nb: 2")[0] ?? "", /^t1\.yaml:\d+:\d+: not sound YAML: /);
  assert.match(shown("vendor: a\nvendor: b")[0] ?? "", /^t1\.yaml:2:1: not sound YAML: Map keys must be unique/);
  assert.deepEqual(shown(""), ["t1.yaml:1:1: is missing"]);
  assert.deepEqual(shown("- 1"), ["t1.yaml:1:1: must be a mapping of keys to values, not a list"]);
  const bomb = `a: &a [x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(20)}]\nc: &c [${"*b,".repeat(20)}]\nd: [${"*c,".repeat(20)}]`;
  assert.match(shown(bomb)[0] ?? "", /not sound YAML: .*alias/i);
});

const TABLE: readonly (readonly [string, string, string])[] = [
  ["{ line: {} }", "{}", "6:3 serial.framing: must have exactly one of line, fixed, header, slip, silence, regex"],
  ["{ line: {} }", "{ lines: {} }", "6:14 serial.framing.lines: unknown key; did you mean line?"],
  [
    "{ line: {} }",
    "{ header: { start: '42 4D', length: { at: 2 } } }",
    '6:31 serial.framing.header.start: looks like hexadecimal digits: write { hex: "42 4D" }, or { text: "42 4D" } if it is text',
  ],
  [
    "{ line: {} }",
    "{ fixed: { length: 5, start: { hex: 42 } } }",
    '6:48 serial.framing.fixed.start.hex: must be pairs of hexadecimal digits in quotes, for example "42 4D 00 1C"',
  ],
  [
    "{ line: {} }",
    "{ line: {} }\n  checksum: { algorithm: CRC-16/MODBUSS }",
    '7:3 serial.checksum: algorithm: "CRC-16/MODBUSS" is no checksum Weir knows; did you mean CRC-16/MODBUS?; give a CRC\'s parameters otherwise',
  ],
  ["(?<t>[0-9]+)", "(?<u>[0-9]+)", "9:24 serial.messages.m.text.pattern: group u is no resource; did you mean t?"],
  [
    "(?<t>[0-9]+)",
    "[0-9]+",
    "9:24 serial.messages.m.text.pattern: must have a named group for every resource: (?<temperature>[-0-9.]+)",
  ],
  [
    "(?<t>[0-9]+)",
    "(?<t>[0-9]+",
    "9:24 serial.messages.m.text.pattern: not a regular expression (RE2): error parsing regexp: missing closing ): `(?<t>[0-9]+`",
  ],
  [
    "text: { pattern: '(?<t>[0-9]+)' }",
    "text: { fields: { t: { pattern: '([0-9])([0-9])' } } }",
    "9:39 serial.messages.m.text.fields.t.pattern: must have one group, the value, and has 2; write (?:...) where a group is not the value",
  ],
  [
    "text: { pattern: '(?<t>[0-9]+)' }",
    "text: { fields: { t: {} } }",
    "9:25 serial.messages.m.text.fields.t: needs a pattern",
  ],
  [
    "text: { pattern: '(?<t>[0-9]+)' }",
    "binary: { t: { at: 0, type: u16 } }",
    "9:35 serial.messages.m.binary.t.type: must be u8, s8, an integer with its byte order such as u16be, s24le or u64be (16 to 64 bits), f32be, f32le, f64be, f64le, bcdbe, bcdle, ascii, bytes",
  ],
  [
    "text: { pattern: '(?<t>[0-9]+)' }",
    "binary: { t: { at: 0, type: u8, bit: 8 } }",
    "9:44 serial.messages.m.binary.t.bit: passes the 8 bits of u8",
  ],
  [
    "text: { pattern: '(?<t>[0-9]+)' }",
    "binary: { t: { at: 0, type: bytes, length: 2 } }",
    "9:35 serial.messages.m.binary.t.type: bytes do not make a resource of type number",
  ],
  [
    "text: { pattern: '(?<t>[0-9]+)' }",
    "binary: { t: { at: 0, type: u8, enum: { 0: cold } } }",
    "9:50 serial.messages.m.binary.t.enum.0: must be a number, as the resource is of type number",
  ],
  [
    "text: { pattern: '(?<t>[0-9]+)' }",
    "json: { fields: { t: { pointer: temp } } }",
    '9:39 serial.messages.m.json.fields.t.pointer: must be a JSON pointer (RFC 6901), for example "/air/temperature"',
  ],
  ["m:\n", "m:\n      match: {}\n", "9:7 serial.messages.m.match: must have at least one of hex, text, regex, length"],
  [
    "messages:",
    "polls: [{ request: a, every: 1s, answer: n }]\n  messages:",
    "7:44 serial.polls[0].answer: no message is called n; did you mean m?",
  ],
  [
    "messages:",
    "polls: [{ request: a, every: 1s, answer: [m, n] }]\n  messages:",
    "7:48 serial.polls[0].answer[1]: no message is called n; did you mean m?",
  ],
  [
    "messages:",
    "polls: [{ request: a, every: 1s, answer: [] }]\n  messages:",
    "7:36 serial.polls[0].answer: must have at least 1",
  ],
  [
    "messages:",
    "polls: [{ request: a, every: 1s, answer: 5 }]\n  messages:",
    "7:44 serial.polls[0].answer: must be the name of a message, or a list of names",
  ],
  [
    "  t: { unit: Cel }\nserial:\n",
    "  t: { access: RW }\nserial:\n  commands: { t: { text: 'T {value}', answer: [m, n] } }\n",
    "6:51 serial.commands.t.answer[1]: no message is called n; did you mean m?",
  ],
  [
    "messages:",
    "polls: [{ request: a, every: 1s, checksum: true }]\n  messages:",
    "7:46 serial.polls[0].checksum: is true, but serial.checksum says nothing: give it, or a checksum of its own here",
  ],
  [
    "messages:",
    "commands: { t: { text: 'T {value}' } }\n  messages:",
    "7:15 serial.commands.t: resource t has access R: make it W, RW or E",
  ],
  [
    "  t: { unit: Cel }",
    "  t: { unit: Cel }\n  u: { access: W }",
    "5:3 resources.u: nothing says how it is written: add serial.commands.u",
  ],
  [
    "  t: { unit: Cel }",
    "  t: { unit: Cel }\n  u: {}",
    "5:3 resources.u: no message carries it: add it to a message, or make its access W",
  ],
  [
    "  t: { unit: Cel }",
    "  t: { unit: Cel }\n  2u: {}",
    "5:3 resources.2u: must begin with a letter and have letters, digits, _ and - only, 64 at most",
  ],
  ["  t: { unit: Cel }", "  t: { type: string, max: 5 }", "4:27 resources.t.max: is for numbers only"],
  ["  t: { unit: Cel }", "  t:", "4:5 resources.t: must be a mapping of keys to values, not empty"],
];

test("each mistake has its place and its advice", () => {
  assert.deepEqual(
    TABLE.map(([from, to]) => changed(from, to)[0]),
    TABLE.map(([, , problem]) => `t1.yaml:${problem}`),
  );
});

test("what the framers refuse is told at the framing", () => {
  const [problem = ""] = changed("{ line: {} }", "{ regex: { end: '(' } }");
  assert.match(problem, /^t1\.yaml:6:14 serial\.framing\.regex: .*missing closing \)/);
  const [pattern = ""] = changed("{ line: {} }", "{ regex: { end: '^x' } }");
  assert.match(pattern, /^t1\.yaml:6:14 serial\.framing\.regex: /);
  const [length = ""] = changed("{ line: {} }", "{ header: { start: $, length: { at: 0 } } }");
  assert.match(length, /^t1\.yaml:6:14 serial\.framing\.header: length\.offset: /);
});

test("commands that have no place for their value", () => {
  const resources = "  t: { unit: Cel }\n  led: { access: W }";
  const with_ = (command: string) =>
    shown(
      SOUND.replace("  t: { unit: Cel }", resources).replace(
        "  messages:",
        `  commands: { led: ${command} }\n  messages:`,
      ),
    );
  assert.deepEqual(with_("{ text: LED }"), [
    "t1.yaml:8:15 serial.commands.led: has no place for the value: give value for hex, or {value} in the text",
  ]);
  assert.deepEqual(with_('{ hex: "01" }'), [
    "t1.yaml:8:15 serial.commands.led: has no place for the value: give value for hex, or {value} in the text",
  ]);
  assert.deepEqual(with_('{ hex: "01", value: { at: 0, typ: u8 } }'), [
    "t1.yaml:8:33 serial.commands.led.value.type: is missing",
    "t1.yaml:8:49 serial.commands.led.value.typ: unknown key; did you mean type?",
  ]);
  assert.deepEqual(with_('{ text: "LED {value}", hex: "01" }'), [
    "t1.yaml:8:15 serial.commands.led: must have one of hex, text or lines",
  ]);
});

test("samples and simulation must agree with the messages", () => {
  const rest = (text: string) => shown(SOUND + text);
  assert.deepEqual(rest('samples: [{ name: a, text: "1\\n", readings: { x: 1 } }]\n'), [
    "t1.yaml:10:47 samples[0].readings.x: no resource is called x; did you mean t?",
  ]);
  assert.deepEqual(rest('samples: [{ name: a, text: "1\\n" }]\n'), [
    "t1.yaml:10:11 samples[0]: must have either readings or command",
  ]);
  assert.deepEqual(rest("simulate: { values: { t: { sine: { min: 1, max: 2 } } } }\n"), [
    "t1.yaml:10:23 simulate.values.t: no message with a sample carries it: it cannot be simulated",
  ]);
  const sample = 'samples: [{ name: a, text: "7\\n", readings: { t: 7 } }]\n';
  assert.deepEqual(rest(`${sample}simulate: { values: { t: { constant: hot } } }\n`), [
    "t1.yaml:11:23 simulate.values.t: must be a number",
  ]);
  const states = SOUND.replace("{ unit: Cel }", "{ type: string }").replace(
    "[0-9]+)' }",
    "[0-9]+)', fields: { t: { enum: { 7: hot } } } }",
  );
  assert.deepEqual(
    shown(`${states}${sample.replace("t: 7", "t: hot")}simulate: { values: { t: { choice: { of: [hot, cold] } } } }\n`),
    ["t1.yaml:11:23 simulate.values.t: cold is nothing that message m can say"],
  );
  assert.deepEqual(rest("simulate: { sends: [m] }\n"), [
    "t1.yaml:10:21 simulate.sends[0]: message m has no sample, which is what a simulated device sends",
  ]);
  assert.deepEqual(rest("simulate: { values: { t: { sine: { min: 3, max: 2 }, constant: 1 } } }\n"), [
    "t1.yaml:10:23 simulate.values.t: must have exactly one of constant, sine, ramp, walk, counter, choice",
    "t1.yaml:10:41 simulate.values.t.sine.min: must not be above max",
  ]);
});

test("whatever the text, the error is a ProfileError with problems that have a place", () => {
  const lines = SOUND.split("\n");
  const edit = fc.tuple(fc.nat(lines.length - 1), fc.oneof(fc.string({ maxLength: 30 }), fc.constantFrom(...lines)));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 4 }), (edits) => {
      const text = [...lines];
      for (const [line, replacement] of edits) text[line] = replacement;
      try {
        parseProfile(text.join("\n"), { file: "t1.yaml", name: "t1" });
      } catch (error) {
        assert.ok(error instanceof ProfileError, String(error));
        assert.ok(error.problems.length > 0);
        for (const { line, column, message } of error.problems) assert.ok(line >= 1 && column >= 1 && message !== "");
      }
    }),
    { numRuns: 500 },
  );
});
