import assert from "node:assert/strict";
import { test } from "node:test";
import { Reachability } from "../../../../../src/protocols/coap/server/reachability.js";
import { known, PEER, peerAt } from "./stage.js";

test("who echoes a challenge is proved, for 600 s", () => {
  const reachability = new Reachability(10);
  const echo = reachability.challenge(PEER, 0);
  assert.equal(reachability.isProved(PEER, 0), false);
  assert.equal(reachability.answer(PEER, echo, 1000), true);
  assert.equal(reachability.isProved(PEER, 600_999), true);
  assert.equal(reachability.isProved(PEER, 601_000), false);
});

test("a challenge is for one address only, and cannot be made up", () => {
  const reachability = new Reachability(10);
  const echo = reachability.challenge(PEER, 0);
  assert.equal(reachability.answer(peerAt(5001), echo, 0), false);
  assert.equal(new Reachability(10).answer(PEER, echo, 0), false, "another secret");
  for (const forged of [new Uint8Array(8), new Uint8Array(0), echo.subarray(1), Buffer.concat([echo, echo])]) {
    assert.equal(reachability.answer(PEER, forged, 0), false);
  }
  assert.equal(reachability.size, 0);
});

test("a challenge is good for 300 s at least, and for 600 s at most", () => {
  const reachability = new Reachability(10);
  const early = reachability.challenge(PEER, 0);
  const late = reachability.challenge(PEER, 299_999);
  assert.deepEqual(late, early, "one secret");
  assert.equal(reachability.answer(PEER, late, 599_998), true);
  assert.equal(reachability.answer(PEER, early, 900_000), false);
  const old = reachability.challenge(PEER, 900_000);
  assert.equal(reachability.answer(PEER, old, 1_500_000), false, "nobody asked for 600 s");
});

test("an identity needs no proof, and is not kept", () => {
  const reachability = new Reachability(10);
  assert.equal(reachability.isProved(known(PEER), 0), true);
  reachability.prove(known(PEER), 0);
  assert.equal(reachability.size, 0);
});

test("the proved are bounded: the one whose proof is oldest goes", () => {
  const reachability = new Reachability(2);
  reachability.prove(peerAt(1), 0);
  reachability.prove(peerAt(2), 1);
  reachability.prove(peerAt(1), 2);
  reachability.prove(peerAt(3), 3);
  assert.deepEqual(
    [1, 2, 3].map((port) => reachability.isProved(peerAt(port), 4)),
    [true, false, true],
  );
  reachability.forget(peerAt(1));
  assert.deepEqual([reachability.size, reachability.isProved(peerAt(1), 4)], [1, false]);
});
