import assert from "node:assert/strict";
import { test } from "node:test";
import { encode as cbor } from "cborg";
import {
  type CoapRead,
  type CoapValue,
  coapCodec,
  FormError,
  type Profile,
  parseProfile,
  runSamples,
  simulation,
} from "../../../../src/profile/index.js";
import { ProfileError } from "../../../../src/profile/problem.js";

const NOW = 1_763_890_000_123;
const RESOURCES = `
vendor: Test
model: Test
resources:
  t: { unit: Cel, min: -40, max: 85 }
  open: { type: boolean, access: RW }
  label: { type: string, access: RW }
  level: { type: integer, access: RW, min: 0, max: 100 }
  raw: { type: bytes, access: RW }
  reset: { type: integer, access: E }
`;

const COMMANDS = `
    open: { path: /c/open, format: json }
    label: { path: /c/label }
    level: { path: /c/level, hex: "01 00", value: { at: 1, type: u8 }, contentFormat: 42 }
    raw: { path: /c/raw, format: cbor }
    reset: { path: /c/reset, format: senml-json }
`;

function profile(reads: string, commands = COMMANDS, rest = ""): Profile {
  const text = `${RESOURCES}coap:\n  reads: ${reads}\n  commands: ${commands}\n${rest}`;
  return parseProfile(text, { file: "test.yaml", name: "test" });
}

function only(reads: string): CoapRead {
  const [read] = coapCodec(profile(reads)).reads;
  return read ?? assert.fail();
}

const good = (resource: string, value: unknown, more: Partial<CoapValue> = {}) => ({
  resource,
  value,
  quality: "good",
  time: undefined,
  ...more,
});

for (const [what, reads, contentFormat, payload, expected] of [
  ["text", "[{ path: /t, how: get, resource: t }]", 0, "21.5", [good("t", 21.5, { unit: "Cel" })]],
  [
    "text without a format",
    "[{ path: /t, how: get, resource: t }]",
    undefined,
    "21.5",
    [good("t", 21.5, { unit: "Cel" })],
  ],
  [
    "out of range",
    "[{ path: /t, how: get, resource: t }]",
    50,
    "100",
    [good("t", 100, { unit: "Cel", quality: "uncertain" })],
  ],
  ["CBOR", "[{ path: /o, how: get, resource: open }]", 60, cbor(true), [good("open", true)]],
  [
    "a format that only the profile knows",
    "[{ path: /o, how: get, resource: open, contentFormat: cbor }]",
    undefined,
    cbor(true),
    [good("open", true)],
  ],
  [
    "a value with its time",
    "[{ path: /t, how: get, resource: t }]",
    50,
    '{"v":1,"t":1763890000000}',
    [good("t", 1, { unit: "Cel", time: 1_763_890_000_000 })],
  ],
  [
    "SenML of one resource, whatever it is named",
    "[{ path: /t, how: get, resource: t }]",
    110,
    '[{"bn":"urn:dev:x:","n":"temp","v":1,"t":-5}]',
    [good("t", 1, { unit: "Cel", time: NOW - 5000 })],
  ],
  [
    "an object: what the profile does not know is left out",
    "[{ path: /, how: get }]",
    50,
    '{"t":1,"serial":"A7","open":false}',
    [good("t", 1, { unit: "Cel" }), good("open", false)],
  ],
  [
    "a pack",
    "[{ path: /, how: get }]",
    110,
    '[{"bn":"dev/","n":"t","v":1,"u":"K"},{"n":"open","vb":true}]',
    [good("t", 1, { unit: "K", time: NOW }), good("open", true, { time: NOW })],
  ],
  [
    "pointers into JSON",
    "[{ path: /, how: get, json: { fields: { t: { pointer: /a/0, scale: 0.1 }, label: {} } } }]",
    50,
    '{"a":[215],"label":"x"}',
    [good("t", 21.5, { unit: "Cel" }), good("label", "x")],
  ],
  [
    "pointers into CBOR",
    "[{ path: /, how: get, json: { fields: { t: { pointer: /a/0 }, raw: {} } } }]",
    60,
    cbor({ a: [21.5], raw: Uint8Array.of(1, 0xff) }),
    [good("t", 21.5, { unit: "Cel" }), good("raw", Uint8Array.of(1, 0xff))],
  ],
  [
    "bytes",
    "[{ path: /, how: get, binary: { level: { at: 1, type: u8 } } }]",
    42,
    Uint8Array.of(0, 7),
    [good("level", 7)],
  ],
] as const) {
  test(`an answer is read: ${what}`, () => {
    const given = { contentFormat, payload: Buffer.from(payload) };
    assert.deepEqual(only(reads).decode(given, NOW), expected);
  });
}

for (const [what, reads, contentFormat, payload, message] of [
  ["no payload", "[{ path: /t, how: get, resource: t }]", 0, "", /no payload/],
  ["a word for a number", "[{ path: /t, how: get, resource: t }]", 0, "warm", /"t" must be a number/],
  ["a format of pictures", "[{ path: /t, how: get, resource: t }]", 22, "x", /Content-Format 22/],
  ["nothing that the profile knows", "[{ path: /, how: get }]", 50, '{"serial":"A7"}', /no resource "serial"/],
  [
    "a layout that does not fit",
    "[{ path: /, how: get, json: { fields: { t: {} } } }]",
    50,
    "[]",
    /none of its values/,
  ],
  ["a layout and CBOR that is none", "[{ path: /, how: get, json: { fields: { t: {} } } }]", 60, "\u00ff", /./],
] as const) {
  test(`an answer is refused: ${what}`, () => {
    const given = { contentFormat, payload: Buffer.from(payload) };
    assert.throws(
      () => only(reads).decode(given, NOW),
      (error) => error instanceof FormError && message.test(error.message),
    );
  });
}

test("commands: method, path, format and payload", () => {
  const { encode } = coapCodec(profile("[]"));
  const shown = (...given: Parameters<typeof encode>) => {
    const { method, path, contentFormat, payload } = encode(...given);
    return [method, path.join("/"), contentFormat, Buffer.from(payload).toString("latin1")];
  };
  assert.deepEqual(shown("open", "write", true), ["put", "c/open", 50, "true"]);
  assert.deepEqual(shown("label", "write", "hall"), ["put", "c/label", 0, "hall"]);
  assert.deepEqual(shown("level", "write", 7), ["put", "c/level", 42, "\x01\x07"]);
  assert.deepEqual(shown("raw", "write", Uint8Array.of(1)), ["put", "c/raw", 60, "\x41\x01"]);
  assert.deepEqual(shown("reset", "execute", 3), ["post", "c/reset", 110, '[{"n":"reset","v":3}]']);
  assert.deepEqual(shown("reset", "execute"), ["post", "c/reset", undefined, ""]);
  assert.throws(() => encode("level", "write", 101), { code: "VALUE_INVALID", message: /level: must be at most 100/ });
  assert.throws(() => encode("open", "write"), { code: "VALUE_INVALID", message: /open: needs a value/ });
  assert.throws(() => encode("t", "write", 1), { code: "ACTION_UNSUPPORTED" });
  assert.throws(() => encode("reset", "write", 1), { code: "ACTION_UNSUPPORTED" });
  assert.throws(() => encode("none", "write", 1), { code: "RESOURCE_UNKNOWN" });
});

test("a text cannot break out of a JSON template", () => {
  const commands = COMMANDS.replace(
    "{ path: /c/label }",
    `{ path: /c, format: json, text: '{"label":{value},"x":1}' }`,
  );
  const { encode } = coapCodec(profile("[]", commands));
  const value = 'a","x":2,"y":"\u2028\n';
  const sent: unknown = JSON.parse(Buffer.from(encode("label", "write", value).payload).toString());
  assert.deepEqual(sent, { label: value, x: 1 });
  assert.throws(() => encode("label", "write", "x".repeat(257)), { code: "VALUE_INVALID" });
});

test("a resource is read where it stands alone, if it does", () => {
  const { readOf } = coapCodec(profile("[{ path: /all, how: get }, { path: /t, how: get, resource: t }]"));
  assert.equal(readOf("t")?.text, "/t");
  assert.equal(readOf("open")?.text, "/all");
  assert.equal(readOf("reset"), undefined);
});

test("an observation is renewed before the device counts as offline", () => {
  assert.equal(only("[{ path: /t, how: observe, resource: t }]").every, 240_000);
  assert.equal(only("[{ path: /t, how: get, resource: t }]").every, undefined);
});

for (const [what, reads, commands, message] of [
  ["a path with a fragment", "[{ path: '/a#b', how: get }]", COMMANDS, /coap\.reads\[0\]\.path: must be a path/],
  ["a poll without its time", "[{ path: /a, how: poll }]", COMMANDS, /needs every/],
  ["a time for what is asked on demand", "[{ path: /a, how: get, every: 5s }]", COMMANDS, /is for poll and observe/],
  ["a poll that never rests", "[{ path: /a, how: poll, every: 10ms }]", COMMANDS, /must be at least 1s/],
  ["a path twice", "[{ path: /a, how: get }, { path: a, how: get }]", COMMANDS, /\/a is there twice/],
  ["a resource that is none", "[{ path: /a, how: get, resource: x }]", COMMANDS, /no resource is called x/],
  ["a resource that cannot be read", "[{ path: /a, how: get, resource: reset }]", COMMANDS, /has access E/],
  [
    "a resource and a layout",
    "[{ path: /a, how: get, resource: t, json: { fields: { t: {} } } }]",
    COMMANDS,
    /is for payloads of several resources/,
  ],
  [
    "a layout of no resource",
    "[{ path: /a, how: get, json: { fields: { x: {} } } }]",
    COMMANDS,
    /no resource is called x/,
  ],
  ["a command of no resource", "[]", `${COMMANDS}    x: { path: /x }\n`, /no resource is called x/],
  ["a command of what is read only", "[]", `${COMMANDS}    t: { path: /x }\n`, /has access R/],
  ["no command for what can be written", "[]", COMMANDS.replace(/ +raw: .*\n/, ""), /add coap\.commands\.raw/],
  [
    "no place for the value",
    "[]",
    COMMANDS.replace("{ path: /c/open, format: json }", '{ path: /c, text: "on" }'),
    /no place/,
  ],
  [
    "a value without a payload",
    "[]",
    COMMANDS.replace("format: cbor", "value: { decimals: 1 }"),
    /is for a payload given as hex, text or lines/,
  ],
] as const) {
  test(`a profile is refused: ${what}`, () => {
    assert.throws(
      () => profile(reads, commands),
      (error) => error instanceof ProfileError && message.test(error.message),
    );
  });
}

test("samples tell what is wrong with an answer and a command", () => {
  const samples = `
samples:
  - { name: value, path: /t, text: "21", readings: { t: 22 } }
  - { name: bad, path: /t, text: "21", readings: bad }
  - { name: path, path: /elsewhere, command: label, value: x, text: x }
  - { name: bytes, path: /c/label, command: label, value: x, text: y }
  - { name: right, path: /c/label, command: label, value: x, text: x }
`;
  const made = profile("[{ path: /t, how: get, resource: t }]", COMMANDS, samples);
  assert.deepEqual(
    runSamples(made).map(({ problem }) => problem),
    [
      "t is 21, not 22",
      "must be bad, but is { t: 21 }",
      "the command goes to /c/label",
      "the command is 78, not 79",
      undefined,
    ],
  );
  assert.throws(() => profile("[]", COMMANDS, 'samples: [{ name: x, path: /t, text: "1", readings: { t: 1 } }]'), {
    message: /coap\.reads has no path \/t/,
  });
});

test("a simulated server writes its values into its samples, and commands change them", () => {
  const rest = `
samples: [{ name: x, path: /all, contentFormat: 50, text: '{"t":1,"label":"a"}', readings: { t: 1, label: a } }]
simulate: { sends: [], values: { t: { constant: 20 }, label: { constant: hall }, open: { constant: true } } }
`;
  const reads =
    "[{ path: /all, how: get, json: { fields: { t: {}, label: {} } } }, { path: '/o?x=1', how: get, resource: open }]";
  const device = simulation(profile(reads, COMMANDS, rest), 1)?.coap;
  const state = (path: string[], query: string[] = []) => {
    const answer = device?.state({ path, query }, NOW);
    return answer && [answer.contentFormat, Buffer.from(answer.payload).toString()];
  };
  assert.deepEqual(state(["all"]), [50, '{"t":20,"label":"hall"}']);
  assert.deepEqual(state(["o"], ["x=1"]), [0, "true"]);
  assert.equal(state(["o"]), undefined);
  const place = (text: string) => ({ path: ["c", text], query: [] });
  assert.equal(device?.command("put", place("label"), Buffer.from("cellar")), "done");
  assert.deepEqual(state(["all"]), [50, '{"t":20,"label":"cellar"}']);
  assert.equal(device?.command("put", place("open"), Buffer.from("perhaps")), "bad_request");
  assert.equal(device?.command("post", place("open"), Buffer.from("true")), "method");
  assert.equal(device?.command("put", place("none"), Buffer.from("true")), "not_found");
  assert.equal(device?.command("put", { path: ["all"], query: [] }, Buffer.from("true")), "method");
});
