import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatLinks, type Link, parseLinks } from "../../../../../src/protocols/coap/link/links.js";

function parse(text: string): readonly Link[] {
  const parsed = parseLinks(Buffer.from(text));
  assert.ok(parsed.ok, text);
  return parsed.links;
}

const word = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/);
const words = fc.array(word, { minLength: 1, maxLength: 4 });
const printable = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !/[\x00-\x1f\x7f]/.test(text));
const target = fc.stringMatching(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/?#%]{0,30}$/);
const attribute = fc.record(
  {
    name: fc
      .stringMatching(/^[A-Za-z0-9!#$&+\-.^_`|~]{1,12}$/)
      .filter((name) => !/^(rt|if|sz|ct|obs|title)$/.test(name)),
    value: fc.option(printable, { nil: undefined }),
  },
  { noNullPrototype: true },
);
const link: fc.Arbitrary<Link> = fc.record(
  {
    target,
    rt: words,
    if: words,
    sz: fc.nat(2 ** 40),
    ct: fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 5 }),
    obs: fc.constant(true as const),
    title: printable,
    others: fc.array(attribute, { minLength: 1, maxLength: 4 }),
  },
  { requiredKeys: ["target"], noNullPrototype: true },
);

test("what is written is read again", () => {
  fc.assert(
    fc.property(fc.array(link, { maxLength: 8 }), (links) => assert.deepEqual(parse(formatLinks(links)), links)),
    { numRuns: 1000 },
  );
});

test("any bytes are read or refused, and what was read says the same when it is written", () => {
  const alphabet = fc.constantFrom(...'<>/a;=," \\*1é\x07rtifszctobs');
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 40 }), (text) => {
      const parsed = parseLinks(Buffer.from(text));
      if (parsed.ok) assert.deepEqual(parse(formatLinks(parsed.links)), parsed.links);
      else assert.ok(parsed.at <= text.length);
    }),
    { numRuns: 5000 },
  );
});

test("the examples of RFC 6690 5 and what libcoap's server says of itself", () => {
  assert.deepEqual(
    parse(`</sensors/temp>;rt="temperature-c";if="sensor",</sensors/light>;rt="light-lux core.sen-light";if="sensor"`),
    [
      { target: "/sensors/temp", rt: ["temperature-c"], if: ["sensor"] },
      { target: "/sensors/light", rt: ["light-lux", "core.sen-light"], if: ["sensor"] },
    ],
  );
  assert.deepEqual(
    parse(
      `</sensors>;ct=40;title="Sensor Index",<http://www.example.com/sensors/t123>;anchor="/sensors/temp";rel="describedby"`,
    ),
    [
      { target: "/sensors", ct: [40], title: "Sensor Index" },
      {
        target: "http://www.example.com/sensors/t123",
        others: [
          { name: "anchor", value: "/sensors/temp" },
          { name: "rel", value: "describedby" },
        ],
      },
    ],
  );
  assert.deepEqual(parse(`</firmware/v2.1>;rt="firmware";sz=262144`), [
    { target: "/firmware/v2.1", rt: ["firmware"], sz: 262_144 },
  ]);
  assert.deepEqual(parse(`</time>;if="clock";rt="ticks";title="Internal Clock";ct=0;obs,</async>;ct=0`), [
    { target: "/time", if: ["clock"], rt: ["ticks"], title: "Internal Clock", ct: [0], obs: true },
    { target: "/async", ct: [0] },
  ]);
  assert.deepEqual(parse(`</>;rt="oma.lwm2m";ct="60 110 11542",</1/0>,</3/0>;ver=1.1`), [
    { target: "/", rt: ["oma.lwm2m"], ct: [60, 110, 11_542] },
    { target: "/1/0" },
    { target: "/3/0", others: [{ name: "ver", value: "1.1" }] },
  ]);
  assert.deepEqual(parse(""), []);
});

test("it is written as documented", () => {
  assert.equal(
    formatLinks([
      { target: "/a", rt: ["x", "y"], if: ["core.s"], sz: 0, ct: [0], obs: true, title: `a "b" \\` },
      {
        target: "/b",
        ct: [50, 110],
        others: [
          { name: "pmin", value: "5" },
          { name: "title*", value: "UTF-8''%c3%a9" },
        ],
      },
      {
        target: "/c",
        others: [
          { name: "hub", value: undefined },
          { name: "note", value: "" },
        ],
      },
    ]),
    `</a>;rt="x y";if="core.s";sz=0;ct=0;obs;title="a \\"b\\" \\\\",</b>;ct="50 110";pmin=5;title*=UTF-8''%c3%a9,</c>;hub;note=""`,
  );
});

for (const [what, text, error, at] of [
  ["a blank after a comma", "</a>, </b>", "syntax", 5],
  ["a comma at the end", "</a>,", "syntax", 5],
  ["a comma alone", ",", "syntax", 0],
  ["no brackets", "/a", "syntax", 0],
  ["brackets that do not close", "</a", "syntax", 0],
  ["a blank in a target", "</a b>", "syntax", 0],
  ["an attribute without a name", "</a>;=1", "syntax", 5],
  ["an attribute without its value", "</a>;x=", "syntax", 7],
  ["quotes that do not close", `</a>;x="1`, "syntax", 7],
  ["a control character", `</a>;x="\n"`, "syntax", 7],
  ["rt without a value", "</a>;rt", "syntax", 5],
  ["rt twice (RFC 6690 3.1)", "</a>;rt=x;rt=y", "repeated", 10],
  ["if twice (RFC 6690 3.2)", "</a>;if=x;if=y", "repeated", 10],
  ["sz twice (RFC 6690 3.3)", "</a>;sz=1;sz=1", "repeated", 10],
  ["ct twice (RFC 7252 7.2.1)", "</a>;ct=1;ct=1", "repeated", 10],
  ["a size with a leading zero", "</a>;sz=01", "number", 5],
  ["a Content-Format of 17 bits", "</a>;ct=65536", "number", 5],
  ["no Content-Format", `</a>;ct=""`, "number", 5],
  ["33 attributes", `</a>${";x".repeat(33)}`, "too_many", 68],
  ["4097 links", `${"</>,".repeat(4096)}</>`, "too_many", 4096 * 4],
  ["more than 256 KiB", `</${"a".repeat(256 * 1024)}>`, "too_many", 0],
] as const) {
  test(`refuses ${what}`, () => {
    assert.deepEqual(parseLinks(Buffer.from(text)), { ok: false, error, at });
  });
}

test("refuses what is no UTF-8", () => {
  assert.deepEqual(parseLinks(Uint8Array.of(0x3c, 0xff, 0x3e)), { ok: false, error: "not_utf8", at: 0 });
});

test("of titles the first counts, and a value of obs is ignored (RFC 5988 5.4, RFC 7641 6)", () => {
  assert.deepEqual(parse("</a>;title=x;title=y;obs=1;obs"), [{ target: "/a", title: "x", obs: true }]);
});

test("32 attributes and 4096 links are read", () => {
  assert.equal(parse(`</a>${";x".repeat(32)}`)[0]?.others?.length, 32);
  assert.equal(parse(`${"</>,".repeat(4095)}</>`).length, 4096);
});

for (const [what, broken] of [
  ["a target with a bracket", { target: "/a>" }],
  ["a type with a blank", { target: "/a", rt: ["a b"] }],
  ["an empty type", { target: "/a", if: [""] }],
  ["a size that is no whole number", { target: "/a", sz: 1.5 }],
  ["a Content-Format of 17 bits", { target: "/a", ct: [65_536] }],
  ["no Content-Format", { target: "/a", ct: [] }],
  ["a title with a line break", { target: "/a", title: "a\nb" }],
  ["a lone surrogate", { target: "/a", title: "\ud800" }],
  ["a known attribute among the others", { target: "/a", others: [{ name: "rt", value: "x" }] }],
  ["a name with a blank", { target: "/a", others: [{ name: "a b", value: "x" }] }],
  ["an ext-value with a blank", { target: "/a", others: [{ name: "title*", value: "a b" }] }],
] as const) {
  test(`does not write ${what}`, () => {
    assert.throws(() => formatLinks([broken]), RangeError);
  });
}
