import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_TIMING, Transmissions } from "../../../../src/protocols/coap/transmissions.js";
import type { Peer } from "../../../../src/protocols/datagram/index.js";

const PEER: Peer = { id: "192.0.2.1:5000", address: "192.0.2.1", port: 5000 };
const OTHER: Peer = { id: "192.0.2.1:5001", address: "192.0.2.1", port: 5001 };
const bytes = (text: string): Uint8Array => Buffer.from(text);

test("what is settled comes back with its owner, once, and only for its peer and id", () => {
  const open = new Transmissions<string>(DEFAULT_TIMING, () => 0);
  open.add(PEER, 1, bytes("a"), "request", 0);
  assert.deepEqual(
    [open.settle(OTHER, 1), open.settle(PEER, 2), open.settle(PEER, 1)],
    [undefined, undefined, "request"],
  );
  assert.deepEqual([open.settle(PEER, 1), open.deadline, open.size], [undefined, undefined, 0]);
});

test("each is sent again on its own time, and lost after the last time-out", () => {
  const open = new Transmissions<string>({ ...DEFAULT_TIMING, maxRetransmit: 1 }, () => 0);
  open.add(PEER, 1, bytes("a"), "first", 0);
  open.add(PEER, 2, bytes("b"), "second", 500);
  assert.equal(open.deadline, 2000);
  assert.deepEqual(
    open.tick(2499).again.map(({ owner }) => owner),
    ["first"],
  );
  assert.deepEqual(
    open.tick(2500).again.map(({ owner }) => owner),
    ["second"],
  );
  const { again, lost } = open.tick(6499);
  assert.deepEqual([again.length, lost.map(({ owner }) => owner)], [0, ["first"]]);
  assert.deepEqual([open.size, open.deadline], [1, 6500]);
});

test("a newer message takes the place of one on its way, with what is left of its time-outs (RFC 7641 4.5.2)", () => {
  const open = new Transmissions<string>({ ...DEFAULT_TIMING, maxRetransmit: 2 }, () => 0);
  const sent = open.add(PEER, 1, bytes("old"), "o", 0);
  open.tick(2000);
  open.supersede(sent, 9, bytes("new"));
  assert.equal(open.settle(PEER, 1), undefined, "the old one is not waited for any more");
  assert.deepEqual(
    open.tick(6000).again.map((one) => [one.messageId, Buffer.from(one.bytes).toString()]),
    [[9, "new"]],
  );
  assert.equal(open.tick(14_000).lost.length, 1);
  open.supersede(sent, 10, bytes("late"));
  assert.equal(open.size, 0);
});

test("what nobody wants any more is not sent again, nor what goes to a peer that is gone", () => {
  const open = new Transmissions<string>(DEFAULT_TIMING, () => 0);
  const one = open.add(PEER, 1, bytes("a"), "a", 0);
  open.add(PEER, 2, bytes("b"), "b", 0);
  open.add(OTHER, 1, bytes("c"), "c", 0);
  open.cancel(one);
  open.cancel(one);
  open.forget(PEER);
  assert.deepEqual(
    open.tick(2000).again.map(({ owner }) => owner),
    ["c"],
  );
});
