import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bundledFolder, type Decoded, listProfiles, loadProfile, serialCodec } from "../../../src/profile/index.js";
import { profileOf } from "./fixture.js";

const utf8 = new TextEncoder();
const CLIMATE = "  temperature: { unit: Cel }\n  humidity: { unit: '%RH' }";
const LINE = "  framing: { line: {} }\n  messages:\n    climate:\n";

function decode(message: string, text: string, resources = CLIMATE): Decoded {
  return serialCodec(profileOf(resources, LINE + message)).decode(utf8.encode(text));
}

/** Resource to value, or the word for what it is instead. */
function read(message: string, text: string, resources = CLIMATE): object | string {
  const decoded = decode(message, text, resources);
  if (decoded.kind !== "values") return decoded.kind;
  return Object.fromEntries(decoded.values.map(({ resource, value }) => [resource, value]));
}

test("a pattern with named groups", () => {
  const message = "      text: { pattern: '^T=(?<temperature>[-0-9.]+)(?: H=(?<humidity>[0-9.]+))?$' }";
  assert.deepEqual(read(message, "T=21.5 H=40"), { temperature: 21.5, humidity: 40 });
  assert.deepEqual(read(message, "T=-3"), { temperature: -3 });
  assert.equal(read(message, "hello"), "unmatched");
  assert.equal(read(message, "T=1.2.3"), "bad");
  assert.deepEqual(decode(message, "T=21.5"), {
    kind: "values",
    message: "climate",
    values: [{ resource: "temperature", value: 21.5, quality: "good", unit: "Cel" }],
  });
});

test("a pattern for every resource, and fields for the groups of the common one", () => {
  const own =
    "      text: { fields: { temperature: { pattern: 'T([0-9]+)', scale: 0.1 }, humidity: { pattern: 'H([0-9]+)' } } }";
  assert.deepEqual(read(own, "xx H40 T215"), { temperature: 21.5, humidity: 40 });
  assert.deepEqual(read(own, "T215"), { temperature: 21.5 });
  assert.equal(read(own, "nothing"), "bad", "a message that carries none of its values is no such message");
  const common =
    "      text: { pattern: '(?<temperature>[0-9]+);(?<humidity>[0-9]+)', fields: { temperature: { scale: 0.1 } } }";
  assert.deepEqual(read(common, "215;40"), { temperature: 21.5, humidity: 40 });
});

test("columns", () => {
  const message =
    "      delimited: { separator: ';', columns: 3, fields: { temperature: { at: 1 }, humidity: { at: -1 } } }";
  assert.deepEqual(read(message, "x;21.5;40"), { temperature: 21.5, humidity: 40 });
  assert.deepEqual(read(message, "x;;40"), { humidity: 40 });
  assert.equal(read(message, "21.5;40"), "bad", "a column is missing");
  assert.equal(read(message, ";".repeat(5000)), "bad");
  const sign =
    "      delimited: { until: '*', fields: { temperature: { at: 0, negative: { at: 1, is: S, else: N } } , humidity: { at: 2 } } }";
  assert.deepEqual(read(sign, "12.5,S,40*77"), { temperature: -12.5, humidity: 40 });
  assert.deepEqual(read(sign, "12.5,N,40*77"), { temperature: 12.5, humidity: 40 });
  assert.deepEqual(read(sign, ",S,40*77"), { humidity: 40 });
  assert.equal(read(sign, "12.5,X,40*77"), "bad", "on neither side");
});

test("keys and values", () => {
  const message =
    "      keyValue: { entries: ';', separator: ':', fields: { temperature: { key: [T, t] }, humidity: { pattern: '([0-9]+)%' } } }";
  assert.deepEqual(read(message, "humidity:40%;T:21.5"), { humidity: 40, temperature: 21.5 });
  assert.deepEqual(read(message, " t : 7 ;T"), { temperature: 7 });
  assert.deepEqual(read(message, "T:1;T:2"), { temperature: 1 }, "the first one counts");
  assert.deepEqual(read(message, "humidity:dry;T:2"), { temperature: 2 }, "the pattern does not match: no value");
  assert.equal(read(message, "a:b"), "bad");
  assert.equal(read(message, "constructor:1"), "bad");
});

test("JSON by pointers", () => {
  const message = "      json: { fields: { temperature: { pointer: /a~1b/0 }, humidity: {} } }";
  assert.deepEqual(read(message, '{"a/b":[21.5],"humidity":40}'), { temperature: 21.5, humidity: 40 });
  assert.deepEqual(read(message, '{"humidity":40}'), { humidity: 40 });
  assert.equal(read(message, '{"humidity":{}}'), "bad", "an object is no value");
  assert.equal(read(message, '{"humidity":'), "bad");
  assert.equal(read(message, "null"), "bad");
  const inherited = "      json: { fields: { temperature: { pointer: /constructor/name } } }";
  assert.equal(read(inherited, "{}", "  temperature: { type: string }"), "bad", "nothing inherited is read");
});

test("text in UTF-8 and in Latin-1", () => {
  const message = "      text: { pattern: '^(?<temperature>[0-9.]+)°C$' }";
  const codec = serialCodec(profileOf("  temperature: {}", LINE + message));
  assert.equal(codec.decode(utf8.encode("21.5°C")).kind, "values");
  assert.equal(codec.decode(Uint8Array.from(Buffer.from("21.5°C", "latin1"))).kind, "values");
});

test("a frame is decoded by the first message that matches it", () => {
  const codec = serialCodec(
    profileOf(
      "  a: {}\n  b: {}",
      `  framing: { line: {} }
  messages:
    short: { match: { hex: "01", length: 2 }, binary: { a: { at: 1, type: u8 } } }
    long: { match: { hex: "02 ?? 04", at: 1 }, binary: { b: { at: -1, type: u8 } } }
    known: { match: { regex: "^OK" } }`,
    ),
  );
  const message = (...bytes: number[]) => {
    const decoded = codec.decode(Uint8Array.from(bytes));
    return decoded.kind === "unmatched" ? "unmatched" : decoded.message;
  };
  assert.equal(message(1, 9), "short");
  assert.equal(message(1, 9, 9), "unmatched");
  assert.equal(message(1, 2, 3, 4, 9), "long");
  assert.equal(message(1, 2, 3, 5, 9), "unmatched");
  assert.equal(message(1, 2, 3), "unmatched", "any byte, but a byte");
  assert.equal(message(1, 2), "short");
  assert.equal(message(0x4f, 0x4b), "known");
  assert.equal(message(), "unmatched");
});

test("a frame that is too short for its layout is bad", () => {
  const codec = serialCodec(
    profileOf("  a: {}", "  framing: { line: {} }\n  messages: { m: { binary: { a: { at: 4, type: u16be } } } }"),
  );
  const decoded = codec.decode(Uint8Array.of(1, 2, 3));
  assert.deepEqual(decoded, { kind: "bad", message: "m", reason: "a frame of 3 bytes carries no a" });
});

test("no frame makes a codec throw", () => {
  const codecs = listProfiles([bundledFolder])
    .map(({ name }) => loadProfile(name, [bundledFolder]))
    .filter(({ serial }) => serial !== undefined)
    .map((profile) => ({ profile, codec: serialCodec(profile) }));
  const frames = codecs.flatMap(({ profile }) => profile.samples.map(({ bytes }) => bytes));
  const hostile = fc
    .tuple(fc.constantFrom(...frames), fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 8 }), fc.nat(2000))
    .map(([frame, edits, length]) => {
      const bytes = frame.slice(0, length);
      for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(hostile, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      for (const { codec, profile } of codecs) {
        const decoded = codec.decode(bytes);
        if (decoded.kind !== "values") continue;
        for (const { resource, value } of decoded.values) {
          assert.ok(profile.resources.has(resource));
          assert.ok(typeof value !== "number" || Number.isFinite(value));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test("a pattern that would take exponential time elsewhere is linear here", () => {
  const message = "      text: { pattern: '^(?<temperature>(?:[0-9]+)+)x$' }";
  // A backtracking engine would need 2^4000 steps for this one: the test would not end.
  assert.equal(read(message, "1".repeat(4000), "  temperature: {}"), "unmatched");
});
