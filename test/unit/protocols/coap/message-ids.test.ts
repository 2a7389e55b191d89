import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MessageIds } from "../../../../src/protocols/coap/message-ids.js";
import type { Peer } from "../../../../src/protocols/datagram/index.js";

const peer = (port: number): Peer => ({ id: `192.0.2.1:${port}`, address: "192.0.2.1", port });
const LIFETIME = 247_000;

test("each peer has a sequence of its own, which begins at random and goes round at 65536", () => {
  const starts = [0.5, 65_535 / 65_536];
  const ids = new MessageIds(LIFETIME, () => starts.shift() ?? 0);
  assert.deepEqual([ids.next(peer(1), 0), ids.next(peer(2), 0), ids.next(peer(1), 0)], [32_768, 65_535, 32_769]);
  assert.equal(ids.next(peer(2), 0), 0);
});

test("no id is given out twice within the lifetime, at whatever rate and from whatever start", () => {
  fc.assert(
    fc.property(fc.nat(65_535), fc.array(fc.nat(120_000), { minLength: 40, maxLength: 60 }), (start, pauses) => {
      const ids = new MessageIds(LIFETIME, () => start / 65_536);
      const given = new Map<number, number>();
      let now = 0;
      for (const pause of pauses) {
        for (let count = 0; count < 5000; count++) {
          const id = ids.next(peer(1), now);
          if (id === undefined) break;
          assert.ok(id >= 0 && id <= 65_535);
          assert.ok(now - (given.get(id) ?? -Infinity) >= LIFETIME, `${id} again after ${pause} ms`);
          given.set(id, now);
        }
        now += pause;
      }
    }),
    { numRuns: 20 },
  );
});

test("a burst gets nearly all ids there are, and the next one when the first are free again", () => {
  const ids = new MessageIds(LIFETIME, () => 0.3);
  let count = 0;
  while (ids.next(peer(1), 5) !== undefined) count++;
  assert.ok(count > 65_536 - 4096 && count <= 65_536, `${count}`);
  assert.equal(ids.next(peer(1), 4 + LIFETIME), undefined);
  assert.notEqual(ids.next(peer(1), 5 + LIFETIME), undefined);
});

test("the sequences are bounded: the one that was not used for longest goes", () => {
  const starts = [0, 0.1, 0.2, 0.9];
  const ids = new MessageIds(LIFETIME, () => starts.shift() ?? 0.5, 2);
  ids.next(peer(1), 0);
  ids.next(peer(2), 0);
  assert.equal(ids.next(peer(1), 0), 1);
  ids.next(peer(3), 0);
  assert.equal(ids.peers, 2);
  assert.equal(ids.next(peer(1), 0), 2, "it was used, so it stayed");
  ids.forget(peer(1));
  assert.equal(ids.peers, 1);
});
