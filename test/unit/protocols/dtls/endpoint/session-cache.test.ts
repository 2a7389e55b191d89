import assert from "node:assert/strict";
import { test } from "node:test";
import { SUITES } from "../../../../../src/protocols/dtls/crypto/index.js";
import { SessionCache } from "../../../../../src/protocols/dtls/endpoint/session-cache.js";
import type { Session } from "../../../../../src/protocols/dtls/session.js";

function session(): Session {
  const [suite] = SUITES;
  assert.ok(suite);
  const master = Buffer.alloc(48, 7);
  const validUntil = Number.POSITIVE_INFINITY;
  return { id: new Uint8Array(32), suite, master, identity: undefined, pskDigest: undefined, validUntil };
}

const isWiped = ({ master }: Session): boolean => master.every((byte) => byte === 0);

test("the oldest go first, overwritten", () => {
  const cache = new SessionCache(2, 1000);
  const [a, b, c] = [session(), session(), session()];
  cache.keep("a", a, 0);
  cache.keep("b", b, 1);
  cache.keep("c", c, 2);
  assert.equal(cache.size, 2);
  assert.deepEqual([cache.find("a", 3), cache.find("b", 3), cache.find("c", 3)], [undefined, b, c]);
  assert.deepEqual([a, b, c].map(isWiped), [true, false, false]);
});

test("a session ends with its age", () => {
  const cache = new SessionCache(10, 1000);
  const [a, b] = [session(), session()];
  cache.keep("a", a, 0);
  assert.equal(cache.find("a", 999), a);
  assert.equal(cache.find("a", 1000), undefined);
  cache.keep("a", a, 0);
  cache.keep("b", b, 1000);
  assert.equal(cache.size, 1);
});

test("what is replaced, dropped or cleared is overwritten", () => {
  const cache = new SessionCache(10, 1000);
  const [a, again, b, c] = [session(), session(), session(), session()];
  cache.keep("a", a, 0);
  cache.keep("a", again, 1);
  assert.deepEqual([isWiped(a), isWiped(again)], [true, false]);
  cache.keep("b", b, 2);
  cache.drop("b");
  cache.drop("nobody");
  cache.keep("c", c, 3);
  cache.clear();
  assert.deepEqual([again, b, c].map(isWiped), [true, true, true]);
  assert.equal(cache.size, 0);
});
