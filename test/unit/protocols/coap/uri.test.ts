import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CoapUri, formatCoapUri, parseCoapUri } from "../../../../src/protocols/coap/uri.js";

function parse(text: string): CoapUri {
  const parsed = parseCoapUri(text);
  assert.ok(parsed.ok, text);
  return parsed.uri;
}

const uri = (parts: Partial<CoapUri> = {}): CoapUri => ({
  scheme: "coap",
  host: "example.com",
  port: 5683,
  path: [],
  query: [],
  ...parts,
});

for (const [text, expected] of [
  ["coap://example.com", {}],
  ["coap://example.com/", {}],
  ["coap://EXAMPLE.com:/", {}],
  ["COAP://example.com:5684/", { port: 5684 }],
  ["coaps://example.com", { scheme: "coaps", port: 5684 }],
  // The examples of RFC 7252 6.3, which are one and the same.
  ["coap://example.com:5683/~sensors/temp.xml", { path: ["~sensors", "temp.xml"] }],
  ["coap://EXAMPLE.com/%7Esensors/temp.xml", { path: ["~sensors", "temp.xml"] }],
  ["coap://EXAMPLE.com:/%7esensors/temp.xml", { path: ["~sensors", "temp.xml"] }],
  ["coap://example.com/a/", { path: ["a", ""] }],
  ["coap://example.com//a", { path: ["", "a"] }],
  ["coap://example.com/a/./b/../c", { path: ["a", "c"] }],
  ["coap://example.com/../..", {}],
  ["coap://example.com/a/b/..", { path: ["a", ""] }],
  ["coap://example.com/a%2Fb?c=%26&d", { path: ["a/b"], query: ["c=&", "d"] }],
  ["coap://example.com?a=1&&b", { query: ["a=1", "", "b"] }],
  ["coap://example.com/?", { query: [""] }],
  ["coap://example.com/a+b?c+d=/?", { path: ["a+b"], query: ["c+d=/?"] }],
  // The example of RFC 7252 appendix B.
  [
    "coap://xn--18j4d.example/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF",
    { host: "xn--18j4d.example", path: ["こんにちは"] },
  ],
  [
    "coap://198.51.100.1:61616//%2F//?%2F%2F&?%26",
    { host: "198.51.100.1", port: 61_616, path: ["", "/", "", ""], query: ["//", "?&"] },
  ],
  ["coap://[2001:db8::2:1]/", { host: "2001:db8::2:1" }],
  ["coap://[2001:DB8::1]:1234/a", { host: "2001:db8::1", port: 1234, path: ["a"] }],
  ["coap://[fe80::1%25eth0]/", { host: "fe80::1%eth0" }],
] as const) {
  test(`reads ${text} (RFC 7252 6.4)`, () => {
    assert.deepEqual(parse(text), uri(expected));
  });
}

for (const [text, error] of [
  ["", "scheme"],
  ["/a", "scheme"],
  ["http://example.com/", "scheme"],
  ["coap:example.com", "scheme"],
  ["coap+tcp://example.com/", "scheme"],
  ["coap://", "host"],
  ["coap:///a", "host"],
  ["coap://user@example.com/", "host"],
  ["coap://exa mple/", "host"],
  ["coap://[::1/", "host"],
  ["coap://[127.0.0.1]/", "host"],
  ["coap://[fe80::1%eth0]/", "host"],
  ["coap://[fe80::1%25]/", "host"],
  ["coap://%ff/", "host"],
  [`coap://${"a".repeat(256)}/`, "host"],
  ["coap://example.com:0/", "port"],
  ["coap://example.com:65536/", "port"],
  ["coap://example.com:x/", "host"],
  ["coap://example.com/a#b", "fragment"],
  ["coap://example.com/#", "fragment"],
  ["coap://example.com/a b", "character"],
  ["coap://example.com/é", "character"],
  ["coap://example.com/%", "character"],
  ["coap://example.com/%g0", "character"],
  ["coap://example.com/%ff", "character"],
  ["coap://example.com/?%ff", "character"],
  ["coap://example.com/%2e%2e/a", "segment"],
  [`coap://example.com/${"a".repeat(256)}`, "segment"],
  [`coap://example.com/?${"a".repeat(256)}`, "segment"],
  [`coap://example.com/${"a/".repeat(3000)}`, "too_long"],
] as const) {
  test(`refuses ${text.slice(0, 40)}: ${error}`, () => {
    assert.deepEqual(parseCoapUri(text), { ok: false, error });
  });
}

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const path = fc
  .array(
    text.filter((one) => one !== "." && one !== ".."),
    { maxLength: 5 },
  )
  .filter((segments) => segments.length !== 1 || segments[0] !== "");
const anyUri: fc.Arbitrary<CoapUri> = fc.record(
  {
    scheme: fc.constantFrom("coap" as const, "coaps" as const),
    host: fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((address) => address.toLowerCase()),
      fc.domain(),
      fc.constant("fe80::1%eth0.5"),
      fc.constant("bücher.example"),
    ),
    port: fc.integer({ min: 1, max: 65_535 }),
    path,
    query: fc.array(text, { maxLength: 4 }),
  },
  { noNullPrototype: true },
);

test("what is written is read again (RFC 7252 6.5)", () => {
  fc.assert(
    fc.property(anyUri, (one) => assert.deepEqual(parse(formatCoapUri(one)), one)),
    { numRuns: 1000 },
  );
});

test("any text is read or refused", () => {
  const alphabet = fc.constantFrom(..."coap://[]%25fe1?&#.aé \x00@");
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 30 }), (rest) => {
      const parsed = parseCoapUri(`coap://${rest}`);
      if (parsed.ok) assert.deepEqual(parse(formatCoapUri(parsed.uri)), parsed.uri);
    }),
    { numRuns: 5000 },
  );
});

test("it is written as short as it can be", () => {
  assert.equal(formatCoapUri(uri()), "coap://example.com/");
  assert.equal(formatCoapUri(uri({ scheme: "coaps", port: 5683 })), "coaps://example.com:5683/");
  assert.equal(
    formatCoapUri(uri({ host: "fe80::1%eth0", path: ["a/b", "é"], query: ["a=1&2", "b"] })),
    "coap://[fe80::1%25eth0]/a%2Fb/%C3%A9?a=1%262&b",
  );
});

for (const [what, broken] of [
  ["two dots", { path: ["a", ".."] }],
  ["one empty segment, which is no segment", { path: [""] }],
  ["a segment of 256 bytes", { path: ["a".repeat(256)] }],
  ["no host", { host: "" }],
  ["port 0", { port: 0 }],
  ["a lone surrogate", { query: ["\ud800"] }],
] as const) {
  test(`does not write ${what}`, () => {
    assert.throws(() => formatCoapUri(uri(broken)), RangeError);
  });
}
