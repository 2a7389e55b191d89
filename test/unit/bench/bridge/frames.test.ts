import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { frameCounter } from "../../../../bench/bridge/frames.js";

/** A packet of this type with so many bytes behind the fixed header, which are themselves no packets. */
function packet(type: number, size: number): number[] {
  const length: number[] = [];
  let rest = size;
  do {
    length.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return [type << 4, ...length, ...new Array<number>(size).fill(0x30)];
}

test("packets are counted by type, empty and long ones too", () => {
  const counter = frameCounter();
  counter.take(Uint8Array.from([...packet(3, 20_000), ...packet(4, 2), ...packet(3, 127), ...packet(12, 0)]));
  assert.deepEqual([counter.count(3), counter.count(4), counter.count(12), counter.count(1)], [2, 1, 1, 0]);
  assert.equal(counter.bytes, 20_004 + 4 + 129 + 2);
});

test("a packet counts once its last byte is there", () => {
  const counter = frameCounter();
  const bytes = Uint8Array.from(packet(3, 200));
  counter.take(bytes.subarray(0, -1));
  assert.equal(counter.count(3), 0);
  counter.take(bytes.subarray(-1));
  assert.equal(counter.count(3), 1);
});

test("it makes no difference how a stream is cut", () => {
  const packets = fc.array(fc.tuple(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 0, max: 400 })));
  fc.assert(
    fc.property(packets, fc.integer({ min: 1, max: 50 }), (list, step) => {
      const bytes = Uint8Array.from(list.flatMap(([type, size]) => packet(type, size)));
      const counter = frameCounter();
      for (let at = 0; at < bytes.length; at += step) counter.take(bytes.subarray(at, at + step));
      assert.equal(counter.bytes, bytes.length);
      for (let type = 0; type < 16; type += 1)
        assert.equal(counter.count(type), list.filter(([each]) => each === type).length);
    }),
  );
});
