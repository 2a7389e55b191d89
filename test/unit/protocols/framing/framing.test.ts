import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createFramer, type Framing, pendingBound } from "../../../../src/protocols/framing/framing.js";
import { concat, play, split, summarize } from "./play.js";
import { createRandom, SPECIMENS, type Specimen } from "./specimens.js";

/** What a line carries: frames, pieces of frames, bytes that mean something in a wrong place, and anything. */
function streams({ frame, alphabet }: Specimen): fc.Arbitrary<Uint8Array> {
  const frames = fc.nat().map((seed) => frame(createRandom(seed)));
  const pieces = fc
    .tuple(frames, fc.nat(40), fc.nat(40))
    .map(([bytes, a, b]) => bytes.subarray(Math.min(a, b), Math.max(a, b)));
  const words = fc.array(fc.constantFrom(...alphabet), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes));
  const noise = fc.uint8Array({ maxLength: 20 });
  return fc.array(fc.oneof(frames, pieces, words, noise), { maxLength: 12 }).map((parts) => concat(...parts));
}

function cutStreams(specimen: Specimen): fc.Arbitrary<readonly [Uint8Array, Uint8Array[]]> {
  return streams(specimen).chain((stream) =>
    fc.array(fc.nat(stream.length), { maxLength: 20 }).map((cuts) => [stream, split(stream, cuts)] as const),
  );
}

for (const specimen of SPECIMENS) {
  const { name, framing, check } = specimen;
  // Checks on and off: without one, nothing is looked at twice and other paths are taken.
  for (const used of check === undefined ? [undefined] : [check, undefined]) {
    test(`${name}: any split accounts for every byte and yields the same${used === undefined ? "" : ", with a check"}`, () => {
      fc.assert(
        fc.property(cutStreams(specimen), ([stream, chunks]) => {
          const bound = pendingBound(framing);
          const whole = summarize(play(createFramer(framing, used), bound, [stream]));
          const cut = summarize(play(createFramer(framing, used), bound, chunks));
          const single = summarize(play(createFramer(framing, used), bound, split(stream, [...stream.keys()])));
          assert.deepEqual(cut, whole);
          assert.deepEqual(single, whole);
        }),
        { numRuns: 300 },
      );
    });
  }

  if (framing.kind === "silence") continue;
  test(`${name}: sound frames all come out`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (seeds, at) => {
          const frames = seeds.map((seed) => specimen.frame(createRandom(seed)));
          const stream = concat(...frames);
          const outputs = play(
            createFramer(framing, check),
            pendingBound(framing),
            split(
              stream,
              at.map((cut) => cut % stream.length),
            ),
          );
          assert.deepEqual(
            outputs.map((output) => [output.kind, output.size]),
            frames.map((frame) => ["frame", frame.length]),
          );
        },
      ),
    );
  });
}

test("no framing needs more work than its input and one longest frame a byte, however checks fail", () => {
  const max = 64;
  const worst: readonly (readonly [Framing, string])[] = [
    [{ kind: "line", delimiter: Uint8Array.of(10), start: Uint8Array.of(36), max }, `${"$".repeat(max)}\n`],
    [{ kind: "fixed", length: max, start: Uint8Array.of(36) }, "$".repeat(max)],
    [{ kind: "fixed", length: max }, "$".repeat(max)],
    [{ kind: "header", start: Uint8Array.of(64), length: { offset: 1, type: "u8", add: 0 }, max }, "@".repeat(max)],
    [{ kind: "regex", start: "\\$", end: "\n", max }, `${"$".repeat(max - 1)}\n`],
    [{ kind: "slip", max }, `${"$".repeat(max)}\xc0`],
  ];
  for (const [framing, unit] of worst) {
    let examined = 0;
    const framer = createFramer(framing, (frame) => {
      examined += frame.length;
      return false;
    });
    const input = Uint8Array.from(unit.repeat(100), (character) => character.charCodeAt(0));
    const outputs = [...framer.push(input, 0), ...framer.end()];
    assert.ok(examined > 0, framing.kind);
    assert.ok(examined <= input.length * max, `${framing.kind}: ${examined} bytes examined for ${input.length}`);
    assert.ok(outputs.length <= 2, `${framing.kind}: ${outputs.length} outputs of one chunk of rubbish`);
  }
});
