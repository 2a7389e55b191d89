import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, WeirError } from "../../../src/core/errors.js";
import { bundledFolder, checkValue, loadProfile, parseProfile, serialCodec } from "../../../src/profile/index.js";
import { showHex } from "../../../src/profile/schema/text.js";
import type { FramerOutput } from "../../../src/protocols/framing/framer.js";
import { profileOf } from "./fixture.js";

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

function refuses(code: ErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof WeirError && error.code === code);
}

const COMMANDS = profileOf(
  `  level: { access: W, min: 0, max: 100 }
  display: { type: string, access: W }
  mode: { type: string, access: RW }
  count: { type: integer, access: W }
  restart: { access: E }
  wait: { type: integer, access: E, min: 1 }`,
  `  framing: { line: {} }
  checksum: { algorithm: xor8, from: { after: "$" }, to: { before: "*" }, at: { after: "*" }, type: hex }
  messages:
    state: { match: { text: "$S" }, delimited: { until: "*", fields: { mode: { at: 1 } } } }
  commands:
    level: { text: "$L,{value}*00\\r\\n", value: { scale: 0.1, decimals: 0, width: 4 }, checksum: true, answer: state, timeout: 2s }
    display: { text: "DISP {value}\\r\\n" }
    mode: { text: "MODE {value}\\n", value: { enum: { A: auto, M: manual } } }
    count: { hex: "01 00 00 02", value: { at: 1, type: u16le } }
    restart: { hex: "FF 00" }
    wait: { text: "WAIT {value}\\n" }`,
);

test("commands are encoded", () => {
  const codec = serialCodec(COMMANDS);
  const level = codec.encode("level", "write", 21.5);
  assert.equal(latin1(level.request), "$L,0215*66\r\n");
  assert.deepEqual(level.answers, ["state"]);
  assert.equal(level.timeout, 2000);
  assert.equal(latin1(codec.encode("display", "write", "hello").request), "DISP hello\r\n");
  assert.equal(latin1(codec.encode("mode", "write", "auto").request), "MODE A\n");
  assert.equal(showHex(codec.encode("count", "write", 0x0102).request), "01 02 01 02");
  assert.equal(showHex(codec.encode("restart", "execute").request), "FF 00");
  assert.deepEqual(codec.encode("restart", "execute").answers, []);
  assert.equal(codec.encode("restart", "execute").timeout, 1000);
  assert.equal(showHex(codec.encode("restart", "execute", true).request), "FF 00", "it takes no argument");
  assert.equal(latin1(codec.encode("wait", "execute", 5).request), "WAIT 5\n");
});

test("what cannot be encoded is refused with a code", () => {
  const codec = serialCodec(COMMANDS);
  refuses("RESOURCE_UNKNOWN", () => codec.encode("nothing", "write", 1));
  refuses("ACTION_UNSUPPORTED", () => codec.encode("level", "execute"));
  refuses("ACTION_UNSUPPORTED", () => codec.encode("restart", "write", 1));
  for (const value of [-1, 101, "21", true, Number.NaN, undefined]) {
    refuses("VALUE_INVALID", () => codec.encode("level", "write", value));
  }
  refuses("VALUE_INVALID", () => codec.encode("count", "write", 1.5));
  refuses("VALUE_INVALID", () => codec.encode("count", "write", 65536));
  refuses("VALUE_INVALID", () => codec.encode("mode", "write", "A"));
  refuses("VALUE_INVALID", () => codec.encode("wait", "execute"));
  refuses("VALUE_INVALID", () => codec.encode("wait", "execute", 0));
});

test("a text cannot smuggle a second command onto the line", () => {
  const codec = serialCodec(COMMANDS);
  for (const text of ["a\r\nFORMAT", "a\nb", "\u0000", "\u0085", "x".repeat(257)]) {
    refuses("VALUE_INVALID", () => codec.encode("display", "write", text));
  }
  assert.equal(latin1(codec.encode("display", "write", "{value}").request), "DISP {value}\r\n");
});

test("polls", () => {
  const [poll] = serialCodec(loadProfile("winsen/mh-z19b", [bundledFolder])).polls;
  assert.equal(poll?.every, 10_000);
  assert.equal(poll?.timeout, 1000);
  assert.deepEqual(poll?.answers, ["concentration"]);
  assert.ok(poll?.resources.has("co2"));
  assert.equal(showHex(poll?.request ?? new Uint8Array()), "FF 01 86 00 00 00 00 00 79");
});

test("a poll may have several answers, and carries what any of them carries", () => {
  const { polls } = serialCodec(
    profileOf(
      "  a: {}\n  b: {}\n  c: {}",
      `  framing: { line: {} }
  messages:
    one: { text: { pattern: 'a=(?<a>.)' } }
    two: { text: { pattern: 'b=(?<b>.)' } }
    three: { text: { pattern: 'c=(?<c>.)' } }
    done: { match: { text: OK } }
  polls:
    - { request: "X\\n", every: 5s, answer: [one, two, done] }
    - { request: "Y\\n", every: 5s }`,
    ),
  );
  assert.deepEqual(
    polls.map(({ answers }) => answers),
    [["one", "two", "done"], []],
  );
  assert.deepEqual(
    polls.map(({ resources }) => [...resources]),
    [["a", "b"], []],
  );
});

test("a poll's checksum is written where it asks for it", () => {
  const codec = serialCodec(
    profileOf(
      "  a: {}",
      `  framing: { silence: { gap: 50ms } }
  checksum: { algorithm: CRC-16/MODBUS, type: u16le }
  messages: { m: { binary: { a: { at: 3, type: s16be, scale: 0.1 } } } }
  polls: [{ request: { hex: "01 03 00 00 00 01 00 00" }, every: 5s, checksum: true }]`,
    ),
  );
  assert.equal(showHex(codec.polls[0]?.request ?? new Uint8Array()), "01 03 00 00 00 01 84 0A");
});

test("the line's settings", () => {
  assert.deepEqual(serialCodec(COMMANDS).line, { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 });
  assert.equal(serialCodec(loadProfile("victron/ve-direct", [bundledFolder])).line.baudRate, 19200);
});

test("a profile without a serial section has no codec", () => {
  refuses("PROFILE_INVALID", () => serialCodec(loadProfile("generic/climate-coap", [bundledFolder])));
});

const TEXT_LINE = profileOf(
  "  v: {}",
  "  framing: { line: { max: 4 } }\n  messages: { m: { text: { pattern: 'v=(?<v>.)' } } }",
);

function outputs(text: string, split: boolean): FramerOutput[] {
  const framer = serialCodec(TEXT_LINE).framer();
  const bytes = new TextEncoder().encode(text);
  const chunks = split ? [...bytes].map((byte) => Uint8Array.of(byte)) : [bytes];
  return chunks.flatMap((chunk) => framer.push(chunk, 0));
}

test("lines may end in LF or CR LF, and empty ones are noise", () => {
  for (const split of [false, true]) {
    const frames = outputs("v=1\nv=2\r\n\r\n\nlong\r\n", split);
    const texts = frames.flatMap((output) => (output.kind === "frame" ? [latin1(output.bytes)] : []));
    assert.deepEqual(texts, ["v=1", "v=2", "long"]);
    const size = frames.reduce((sum, output) => sum + output.size, 0);
    assert.equal(size, 18, "every byte is accounted for");
  }
});

test("every framing and every way to give a CRC can be said", () => {
  const parameters = "{ width: 16, poly: 0x8005, init: 0xFFFF, refin: true, refout: true }";
  for (const framing of [
    "{ line: { delimiter: { hex: '0D' } } }",
    "{ fixed: { length: 5, end: '!' } }",
    "{ header: { start: { hex: '68' }, length: { at: 1 }, end: { hex: '16' } } }",
    "{ slip: {} }",
    "{ silence: { gap: 20ms } }",
    "{ regex: { end: '[.]' } }",
  ]) {
    for (const algorithm of ["CRC-16/MODBUS", parameters, "sum16"]) {
      const profile = profileOf(
        "  a: {}",
        `  framing: ${framing}\n  checksum: { algorithm: ${algorithm}, to: -2, at: -2 }\n  messages: { m: { binary: { a: { at: 0, type: u8 } } } }`,
      );
      assert.equal(serialCodec(profile).framer().pending, 0);
    }
  }
});

test("over SLIP requests are escaped", () => {
  const codec = serialCodec(
    parseProfile(
      `vendor: T
model: T
resources: { a: { access: RW } }
serial:
  framing: { slip: {} }
  messages: { m: { binary: { a: { at: 0, type: u8 } } } }
  commands: { a: { hex: "01 00", value: { at: 1, type: u8 } } }`,
      { file: "t.yaml", name: "t" },
    ),
  );
  assert.equal(showHex(codec.encode("a", "write", 0xc0).request), "C0 01 DB DC C0");
});

test("values against resources", () => {
  assert.equal(checkValue({ type: "number", access: "W", min: 0, max: 10 }, 10), undefined);
  assert.equal(checkValue({ type: "number", access: "W", max: 10 }, 11), "must be at most 10");
  assert.equal(checkValue({ type: "number", access: "W", min: 1 }, 0), "must be at least 1");
  assert.equal(checkValue({ type: "integer", access: "W" }, 1.5), "must be a whole number");
  assert.equal(checkValue({ type: "number", access: "W" }, Number.POSITIVE_INFINITY), "must be a number");
  assert.equal(checkValue({ type: "boolean", access: "W" }, 1), "must be true or false");
  assert.equal(checkValue({ type: "string", access: "W" }, 1), "must be text");
  assert.equal(checkValue({ type: "bytes", access: "W" }, "00"), "must be bytes");
  assert.equal(checkValue({ type: "bytes", access: "W" }, new Uint8Array()), undefined);
});
