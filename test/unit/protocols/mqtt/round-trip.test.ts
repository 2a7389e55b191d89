import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packetOf, packetsOf, publish } from "./arbitraries.js";
import { decode, encode, split, VERSIONS } from "./bytes.js";

const offsets = fc.array(fc.nat(), { maxLength: 12 });

for (const version of VERSIONS) {
  for (const [kind, packet] of packetsOf(version)) {
    test(`version ${version}: ${kind} is read as it was written, however it is split`, () => {
      fc.assert(
        fc.property(packet, offsets, (one, cuts) => {
          assert.deepEqual(decode(version, ...split(encode(version, one), cuts)), [one]);
        }),
        { numRuns: 300 },
      );
    });
  }

  test(`version ${version}: a stream of packets, byte by byte, at once and in between`, () => {
    fc.assert(
      fc.property(fc.array(packetOf(version), { maxLength: 12 }), offsets, (packets, cuts) => {
        const stream = encode(version, ...packets);
        assert.deepEqual(decode(version, stream), packets);
        assert.deepEqual(decode(version, ...split(stream, cuts)), packets);
        assert.deepEqual(decode(version, ...Array.from(stream, (byte) => Uint8Array.of(byte))), packets);
      }),
    );
  });
}

test("a CONNECT brings its version to what follows it", () => {
  fc.assert(
    fc.property(publish(5), offsets, (packet, cuts) => {
      const connect = { kind: "connect", version: 5, cleanStart: true, keepAlive: 0, clientId: "" } as const;
      const stream = encode(5, connect, packet);
      assert.deepEqual(decode(4, ...split(stream, cuts)), [connect, packet]);
    }),
  );
});
