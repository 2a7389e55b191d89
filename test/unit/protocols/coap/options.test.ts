import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Option } from "../../../../src/protocols/coap/message.js";
import {
  accept,
  block,
  blockOption,
  blockSize,
  checkOptions,
  contentFormat,
  OPTION,
  uint,
  uintOption,
  uriPath,
  uriQuery,
} from "../../../../src/protocols/coap/options.js";

const text = (number: number, value: string): Option => ({ number, value: Buffer.from(value) });
const empty = (number: number): Option => ({ number, value: new Uint8Array(0) });

test("typed options", () => {
  const options = [
    text(OPTION.uriPath, "air"),
    text(OPTION.uriPath, "température"),
    uint(OPTION.contentFormat, 110),
    text(OPTION.uriQuery, "a=1"),
    uint(OPTION.accept, 0),
  ];
  const checked = checkOptions(options);
  assert.ok(checked.ok);
  assert.deepEqual(uriPath(checked.options), ["air", "température"]);
  assert.deepEqual(uriQuery(checked.options), ["a=1"]);
  assert.equal(contentFormat(checked.options), 110);
  assert.equal(accept(checked.options), 0);
  assert.equal(uintOption(checked.options, OPTION.size1), undefined);
});

test("integers take as few bytes as they need, and come back", () => {
  assert.deepEqual(
    [0, 1, 255, 256, 65_536].map((value) => uint(60, value).value.length),
    [0, 1, 1, 2, 3],
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) =>
      assert.equal(uintOption([uint(60, value)], 60), value),
    ),
  );
});

test("blocks come back, sizes are 16 to 1024 (RFC 7959 2.2)", () => {
  const anyBlock = fc.record(
    { num: fc.nat(2 ** 20 - 1), more: fc.boolean(), szx: fc.nat(7) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(anyBlock, fc.constantFrom(23 as const, 27 as const), (value, number) => {
      assert.deepEqual(blockOption([block(number, value)], number), value);
    }),
  );
  assert.deepEqual([0, 6].map(blockSize), [16, 1024]);
  // Length 0 is legal: block 0, no more, 16 bytes.
  assert.deepEqual(blockOption([empty(27)], 27), { num: 0, more: false, szx: 0 });
});

for (const [what, option, expected] of [
  ["a critical option that is unknown", empty(9), { ok: false, critical: 9 }],
  ["If-Match, which nothing here answers to", empty(OPTION.ifMatch), { ok: false, critical: 1 }],
  ["a Uri-Host without a host", empty(OPTION.uriHost), { ok: false, critical: 3 }],
  ["a path segment of 256 bytes", text(OPTION.uriPath, "x".repeat(256)), { ok: false, critical: 11 }],
  ["a path segment that is no UTF-8", { number: 11, value: Uint8Array.of(0xff) }, { ok: false, critical: 11 }],
  ["a Block1 option of 4 bytes", { number: 27, value: new Uint8Array(4) }, { ok: false, critical: 27 }],
  ["an elective option that is unknown", empty(2048), { ok: true, options: [] }],
  ["a Content-Format of 3 bytes", { number: 12, value: new Uint8Array(3) }, { ok: true, options: [] }],
  ["a segment that has U+FFFD in good UTF-8", text(OPTION.uriPath, "\ufffd"), undefined],
] as const) {
  test(`checks ${what} (RFC 7252 5.4)`, () => {
    assert.deepEqual(checkOptions([option]), expected ?? { ok: true, options: [option] });
  });
}

test("an option that may not be repeated counts once: the second is ignored or refuses (RFC 7252 5.4.5)", () => {
  assert.deepEqual(checkOptions([uint(12, 50), uint(12, 60)]), { ok: true, options: [uint(12, 50)] });
  assert.deepEqual(checkOptions([uint(17, 50), uint(17, 60)]), { ok: false, critical: 17 });
});
