import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Accepted, createReassembly, type Reassembly } from "../../../../../src/protocols/coap/server/block1.js";
import { sliceBlock2 } from "../../../../../src/protocols/coap/server/block2.js";
import { blockOption, blockSize, OPTION, uintOption } from "../../../../../src/protocols/coap/options.js";

const open = (options: { maxBody?: number; maxTransfers?: number; maxBytes?: number } = {}): Reassembly =>
  createReassembly({ maxBody: 100, maxTransfers: 2, maxBytes: 10_000, expiry: 1000, ...options });

function put(
  to: Reassembly,
  num: number,
  more: boolean,
  length: number,
  { key = "a", now = 0, szx = 0, format = 0, size1 = 0 } = {},
): Accepted {
  const payload = new Uint8Array(length).fill(num);
  const announced = size1 === 0 ? undefined : size1;
  return to.accept({ key, block: { num, more, szx }, contentFormat: format, announced, payload }, now);
}
const reason = (accepted: Accepted): string =>
  accepted.kind === "refused" ? `${accepted.code} ${accepted.reason}` : accepted.kind;

test("blocks in order are one body", () => {
  const to = open();
  assert.equal(reason(put(to, 0, true, 16)), "continue");
  assert.equal(reason(put(to, 1, true, 16)), "continue");
  const whole = put(to, 2, false, 3);
  assert.ok(whole.kind === "whole");
  assert.deepEqual(Array.from(whole.body), [...Array(16).fill(0), ...Array(16).fill(1), 2, 2, 2]);
  assert.deepEqual([to.transfers, to.bytes], [0, 0]);
});

test("any body in any block size comes out as it went in, whatever other transfers do", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), fc.nat(6), (body, szx) => {
      const to = open({ maxBody: 5000 });
      const size = blockSize(szx);
      let last: Accepted = { kind: "continue" };
      for (let num = 0; num * size < body.length; num++) {
        const payload = body.slice(num * size, (num + 1) * size);
        const more = (num + 1) * size < body.length;
        put(to, num, more, 16, { key: "other" });
        last = to.accept(
          { key: "a", block: { num, more, szx }, contentFormat: 0, announced: body.length, payload },
          num,
        );
        payload.fill(0); // the datagram's memory may be used again
        if (more) assert.equal(last.kind, "continue");
      }
      assert.ok(last.kind === "whole");
      if (body.length > size) assert.deepEqual(Uint8Array.from(last.body), body);
    }),
  );
});

test("the bytes of all are bounded: the one that waits longest goes first, and one alone may be as large as any", () => {
  const to = open({ maxTransfers: 10, maxBytes: 40 });
  put(to, 0, true, 16, { key: "a" });
  put(to, 0, true, 16, { key: "b" });
  assert.deepEqual([to.transfers, to.bytes], [2, 32]);
  put(to, 0, true, 16, { key: "c" });
  assert.deepEqual([to.transfers, to.bytes], [2, 32]);
  assert.equal(reason(put(to, 1, true, 16, { key: "a" })), "4.08 block_incomplete");
  assert.equal(reason(put(to, 1, true, 16, { key: "b" })), "continue");
  assert.deepEqual([to.transfers, to.bytes], [1, 32], "c has gone");
  for (const num of [2, 3]) assert.equal(reason(put(to, num, true, 16, { key: "b" })), "continue");
  assert.equal(reason(put(to, 4, false, 1, { key: "b" })), "whole");
  assert.deepEqual([to.transfers, to.bytes], [0, 0]);
});

test("a block that is not the next one is 4.08, and ends the transfer", () => {
  const to = open();
  assert.equal(reason(put(to, 1, true, 16)), "4.08 block_incomplete");
  put(to, 0, true, 16);
  assert.equal(reason(put(to, 2, true, 16)), "4.08 block_incomplete");
  assert.equal(reason(put(to, 1, true, 16)), "4.08 block_incomplete");
  put(to, 0, true, 16, { format: 50 });
  assert.equal(reason(put(to, 1, false, 16, { format: 60 })), "4.08 block_incomplete");
});

test("a size that must not be is 4.00", () => {
  const to = open();
  assert.equal(reason(put(to, 0, true, 15)), "4.00 bad_block");
  assert.equal(reason(put(to, 0, true, 17)), "4.00 bad_block");
  assert.equal(reason(put(to, 0, false, 17)), "4.00 bad_block");
  assert.equal(reason(put(to, 0, false, 16, { szx: 7 })), "4.00 bad_block");
});

test("a body beyond the bound is 4.13, at the first block if it is announced", () => {
  const to = open({ maxBody: 32 });
  assert.equal(reason(put(to, 0, true, 16, { size1: 33 })), "4.13 too_large");
  assert.equal(reason(put(to, 0, true, 16, { size1: 32 })), "continue");
  assert.equal(reason(put(to, 1, true, 16)), "continue");
  assert.equal(reason(put(to, 2, false, 1)), "4.13 too_large");
  assert.equal(to.bytes, 0);
});

test("block 0 begins anew, transfers expire, and the one that waits longest makes room", () => {
  const to = open();
  put(to, 0, true, 16);
  put(to, 0, true, 16);
  assert.equal(reason(put(to, 1, false, 1)), "whole");
  put(to, 0, true, 16, { key: "a", now: 0 });
  assert.equal(reason(put(to, 1, true, 16, { key: "a", now: 1000 })), "4.08 block_incomplete");
  put(to, 0, true, 16, { key: "a", now: 2000 });
  put(to, 0, true, 16, { key: "b", now: 2001 });
  put(to, 1, true, 16, { key: "a", now: 2002 });
  put(to, 0, true, 16, { key: "c", now: 2003 });
  assert.equal(to.transfers, 2);
  assert.equal(reason(put(to, 1, true, 16, { key: "b", now: 2004 })), "4.08 block_incomplete");
  assert.equal(reason(put(to, 2, true, 16, { key: "a", now: 2005 })), "continue");
});

test("a large answer is cut into blocks that make it up again (RFC 7959 2.4)", () => {
  const payload = Uint8Array.from({ length: 2500 }, (_, index) => index);
  const first = sliceBlock2(payload, undefined);
  assert.ok(first.ok);
  assert.deepEqual(blockOption(first.options, OPTION.block2), { num: 0, more: true, szx: 6 });
  assert.equal(uintOption(first.options, OPTION.size2), 2500);
  const parts: number[] = [];
  for (let num = 0; ; num++) {
    const slice = sliceBlock2(payload, { num, more: false, szx: 4 });
    assert.ok(slice.ok);
    assert.deepEqual(slice.options[0], first.options[0], "one ETag for all blocks");
    parts.push(...slice.payload);
    if (blockOption(slice.options, OPTION.block2)?.more !== true) break;
  }
  assert.deepEqual(Uint8Array.from(parts), payload);
  assert.equal(sliceBlock2(payload, { num: 40, more: false, szx: 6 }).ok, false);
  assert.equal(sliceBlock2(payload, { num: 0, more: false, szx: 7 }).ok, false);
});

test("a small answer stays as it is, unless blocks are asked for", () => {
  const payload = Uint8Array.of(1, 2);
  assert.deepEqual(sliceBlock2(payload, undefined), { ok: true, payload, options: [] });
  const asked = sliceBlock2(payload, { num: 0, more: false, szx: 2 });
  assert.deepEqual(asked.ok && blockOption(asked.options, OPTION.block2), { num: 0, more: false, szx: 2 });
  assert.equal(sliceBlock2(new Uint8Array(0), { num: 0, more: false, szx: 6 }).ok, true);
});
