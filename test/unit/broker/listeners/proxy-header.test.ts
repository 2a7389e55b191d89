import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LONGEST_V2, readProxyHeader } from "../../../../src/broker/listeners/proxy/header.js";

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

function v2(command: number, family: number, payload: Buffer): Buffer {
  const head = Buffer.from([0x20 | command, family, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([SIGNATURE, head, payload]);
}

const INET = Buffer.from([192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x07, 0x5b]);
const INET6 = Buffer.concat([
  Buffer.from("20010db8000000000000000000000001", "hex"),
  Buffer.from("20010db8000000000000000000000002", "hex"),
  Buffer.from([0x1f, 0x90, 0x07, 0x5b]),
]);
/** PP2_TYPE_UNIQUE_ID: what follows the addresses is not for us. */
const TLV = Buffer.from([0x05, 0x00, 0x02, 0xab, 0xcd]);

const SOUND: readonly (readonly [what: string, header: Buffer, source: unknown])[] = [
  ["v1 IPv4", Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 8080 1883\r\n"), { address: "192.0.2.7", port: 8080 }],
  ["v1 IPv6", Buffer.from("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"), { address: "2001:db8::1", port: 0 }],
  ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), undefined],
  ["v1 UNKNOWN with more", Buffer.from("PROXY UNKNOWN ffff::1 what ever 1 2\r\n"), undefined],
  ["v2 IPv4", v2(1, 0x11, INET), { address: "192.0.2.7", port: 8080 }],
  ["v2 IPv4 with a TLV", v2(1, 0x11, Buffer.concat([INET, TLV])), { address: "192.0.2.7", port: 8080 }],
  ["v2 IPv6", v2(1, 0x21, INET6), { address: "2001:db8::1", port: 8080 }],
  ["v2 LOCAL", v2(0, 0x00, Buffer.alloc(0)), undefined],
  ["v2 LOCAL with addresses", v2(0, 0x11, INET), undefined],
  ["v2 UNSPEC", v2(1, 0x00, TLV), undefined],
  ["v2 of a Unix socket", v2(1, 0x31, Buffer.alloc(216, 0x61)), undefined],
  [
    "v2 as long as it may be",
    v2(1, 0x11, Buffer.concat([INET, Buffer.alloc(LONGEST_V2 - 28)])),
    { address: "192.0.2.7", port: 8080 },
  ],
];

for (const [what, header, source] of SOUND) {
  test(`PROXY header ${what}, in pieces and with the client's bytes behind it`, () => {
    assert.deepEqual(readProxyHeader(Buffer.concat([header, Buffer.from("\x10MQTT")])), {
      state: "done",
      length: header.length,
      source,
    });
    for (let end = 0; end < header.length; end++)
      assert.equal(readProxyHeader(header.subarray(0, end)).state, "more", `${end} bytes`);
  });
}

const BAD: readonly (readonly [what: string, bytes: Buffer])[] = [
  ["MQTT without a header", Buffer.from([0x10, 0x0c])],
  ["a TLS handshake without a header", Buffer.from([0x16, 0x03, 0x01])],
  ["almost version 1", Buffer.from("PROXI")],
  ["version 1 in lower case", Buffer.from("PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["version 1 without an end", Buffer.alloc(107, "PROXY TCP4 ")],
  ["an end beyond the bound", Buffer.from(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`)],
  ["one address too few", Buffer.from("PROXY TCP4 1.2.3.4 1 2\r\n")],
  ["one word too many", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n")],
  ["two spaces", Buffer.from("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["a port of 65536", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n")],
  ["a port with a leading zero", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n")],
  ["a port that is none", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 1e3 2\r\n")],
  ["IPv6 as IPv4", Buffer.from("PROXY TCP4 ::1 ::1 1 2\r\n")],
  ["a host name", Buffer.from("PROXY TCP4 localhost 1.2.3.4 1 2\r\n")],
  ["almost version 2", Buffer.from("0d0a0d0a00ff", "hex")],
  ["version 3", Buffer.concat([SIGNATURE, Buffer.from([0x31, 0x11, 0, 12]), INET])],
  ["command 2", v2(2, 0x11, INET)],
  ["too short for IPv4", v2(1, 0x11, INET.subarray(0, 11))],
  ["too short for IPv6", v2(1, 0x21, INET)],
  ["longer than the bound", Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])])],
];

for (const [what, bytes] of BAD) {
  test(`no PROXY header: ${what}`, () => assert.equal(readProxyHeader(bytes).state, "bad"));
}

test("what is found in the end does not depend on how it came, and nothing makes the reader throw", () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 200 }).map((tail) => Buffer.concat([SIGNATURE, tail])),
    fc.string({ maxLength: 120 }).map((tail) => Buffer.from(`PROXY ${tail}\r\n`)),
    fc.constantFrom(...SOUND.map(([, header]) => header)),
  );
  fc.assert(
    fc.property(hostile, (bytes) => {
      const whole = readProxyHeader(Buffer.from(bytes));
      for (let end = 1; end <= bytes.length; end++) {
        const part = readProxyHeader(Buffer.from(bytes.subarray(0, end)));
        if (part.state === "more") continue;
        assert.deepEqual(part, whole, `${end} bytes`);
        return;
      }
      assert.equal(whole.state, "more");
      assert.ok(bytes.length < LONGEST_V2, "it waits for ever");
    }),
    { numRuns: 500 },
  );
});
