import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Framer, FramerOutput } from "../../src/protocols/framing/framer.js";
import { createFramer, pendingBound } from "../../src/protocols/framing/framing.js";
import { createRandom, type Random, SPECIMENS, type Specimen } from "../unit/protocols/framing/specimens.js";

const FRAMES = 100_000;
/** Frames that are pushed before memory is measured first: compiled code and tables are there then. */
const WARM_UP = 20_000;
/** In bytes. Keeping a hundred bytes of every frame would come to twice as much. */
const GROWTH = 4 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes in use once nothing unused is counted. */
function memory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A frame as a bad line delivers it, or something that was none. */
function hostile({ frame, alphabet }: Specimen, random: Random): Uint8Array {
  const kind = random(12);
  if (kind === 0) return Uint8Array.from({ length: random(40) }, () => random(256));
  if (kind === 1) return Uint8Array.from({ length: random(60) }, () => alphabet[random(alphabet.length)] ?? 0);
  const bytes = frame(random);
  const at = random(bytes.length);
  switch (kind) {
    case 2: // a bit turned over
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 3: // a byte lost
      bytes.copyWithin(at, at + 1);
      return bytes.subarray(0, bytes.length - 1);
    case 4: // the rest lost
      return bytes.subarray(0, at);
    case 5: // the beginning lost
      return bytes.subarray(at);
    case 6: // a part twice
      return new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))]));
    case 7: // bytes that mean something in a wrong place
      bytes[at] = alphabet[random(alphabet.length)] ?? 0;
      return bytes;
    default:
      return bytes;
  }
}

interface Tally {
  frames: number;
  discarded: number;
  pushed: number;
}

/** Pushes hostile frames in chunks of any size and counts what comes out. Keeps nothing. */
function storm(
  framer: Framer,
  specimen: Specimen,
  random: Random,
  count: number,
  tally: Tally,
  clock: { now: number },
): void {
  const bound = pendingBound(specimen.framing);
  const take = (outputs: readonly FramerOutput[]): void => {
    for (const output of outputs) {
      assert.ok(output.size > 0, "an output of no bytes");
      if (output.kind === "frame") {
        assert.ok(specimen.check === undefined || specimen.check(output.bytes), "a frame that the check refuses");
        assert.ok(output.bytes.length <= output.size);
        tally.frames += output.size;
      } else tally.discarded += output.size;
    }
    assert.ok(framer.pending <= bound, `pending ${framer.pending} > ${bound}`);
    assert.equal(tally.frames + tally.discarded + framer.pending, tally.pushed, "bytes in = sizes + pending");
  };
  for (let sent = 0; sent < count; ) {
    const burst = Math.min(random(4) === 0 ? 1 + random(6) : 1, count - sent);
    const stream = Buffer.concat(Array.from({ length: burst }, () => hostile(specimen, random)));
    sent += burst;
    for (let offset = 0; offset < stream.length; ) {
      const chunk = stream.subarray(offset, offset + 1 + random(random(4) === 0 ? 256 : 16));
      offset += chunk.length;
      clock.now += random(6);
      tally.pushed += chunk.length;
      take(framer.push(chunk, clock.now));
    }
    clock.now += random(60);
    take(framer.tick(clock.now));
    if (random(1000) === 0) take(framer.end());
  }
}

for (const specimen of SPECIMENS) {
  test(`${specimen.name}: ${FRAMES} random and mutated frames, every byte accounted for, no growth of memory`, (context) => {
    const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
    context.diagnostic(`WEIR_SEED=${seed} repeats this`);
    const random = createRandom(seed);
    const framer = createFramer(specimen.framing, specimen.check);
    const tally: Tally = { frames: 0, discarded: 0, pushed: 0 };
    const clock = { now: 0 };
    storm(framer, specimen, random, WARM_UP, tally, clock);
    const before = memory();
    storm(framer, specimen, random, FRAMES - WARM_UP, tally, clock);
    const growth = memory() - before;
    assert.ok(growth < GROWTH, `memory grew by ${growth} bytes`);
    // A storm in which nothing came through, or nothing was bad, would have tested nothing.
    assert.ok(tally.frames > tally.pushed / 50, `only ${tally.frames} of ${tally.pushed} bytes came out in frames`);
    assert.ok(tally.discarded > tally.pushed / 50, `only ${tally.discarded} of ${tally.pushed} bytes were discarded`);
    context.diagnostic(
      `${tally.pushed} bytes: ${tally.frames} in frames, ${tally.discarded} discarded, ${growth} bytes grown`,
    );
  });
}
