import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { MqttError, type Packet, PacketReader, PacketWriter } from "../../src/protocols/mqtt/index.js";
import { createRandom, type Random } from "../unit/protocols/framing/specimens.js";
import { packetOf } from "../unit/protocols/mqtt/arbitraries.js";
import { encode, VERSIONS } from "../unit/protocols/mqtt/bytes.js";

const PACKETS = 200_000;
/** Packets that are read before memory is measured first: compiled code and tables are there then. */
const WARM_UP = 40_000;
/** In bytes. Keeping a hundred bytes of every packet would come to more than twice as much. */
const GROWTH = 4 * 1024 * 1024;
const MAX_PACKET_BYTES = 2048;
/** Sound packets to begin with, of each version. */
const SEEDS = 500;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes in use once nothing unused is counted. */
function memory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A packet as a hostile peer sends it, or bytes that were none. */
function hostile(sound: Uint8Array, random: Random): Uint8Array {
  const bytes = sound.slice();
  const at = random(bytes.length);
  switch (random(10)) {
    case 0: // anything
      return Uint8Array.from({ length: 1 + random(40) }, () => random(256));
    case 1: // a header, then anything
      return Uint8Array.from({ length: 2 + random(60) }, (_, index) => (index === 1 ? random(64) : random(256)));
    case 2: // a bit turned over
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 3: // another byte
      bytes[at] = random(256);
      return bytes;
    case 4: // a length or an identifier that is one off
      bytes[at] = (bytes[at] ?? 0) + (random(2) === 0 ? 1 : -1);
      return bytes;
    case 5: // a byte lost
      bytes.copyWithin(at, at + 1);
      return bytes.subarray(0, bytes.length - 1);
    case 6: // the rest lost
      return bytes.subarray(0, at + 1);
    case 7: // a part twice
      return new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))]));
    default:
      return bytes;
  }
}

interface Tally {
  read: number;
  refused: number;
}

function storm(seeds: readonly Uint8Array[][], random: Random, count: number, tally: Tally): void {
  const receive = (packet: Packet): void => {
    tally.read++;
    // What was read can be written: both directions hold to the same rules.
    if (random(8) === 0) rewrite(packet);
  };
  let reader: PacketReader | undefined;
  let writer = new PacketWriter(5);
  const rewrite = (packet: Packet): void => {
    writer.version = reader?.version ?? 5;
    writer.write(packet);
    if (random(20) === 0) writer.take();
    if (random(1000) === 0) writer = new PacketWriter(5);
  };
  for (let sent = 0; sent < count; sent++) {
    const which = random(VERSIONS.length);
    const own = seeds[which] ?? [];
    reader ??= new PacketReader({ version: VERSIONS[which] ?? 4, maxPacketBytes: MAX_PACKET_BYTES, receive });
    const bytes = hostile(own[random(own.length)] ?? new Uint8Array(1), random);
    try {
      for (let offset = 0; offset < bytes.length; ) {
        const chunk = bytes.subarray(offset, offset + 1 + random(random(2) === 0 ? 8 : 2048));
        offset += chunk.length;
        reader.push(chunk);
        assert.ok(reader.pending <= MAX_PACKET_BYTES);
      }
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      tally.refused++;
      assert.equal(reader.pending, 0);
      reader = undefined;
    }
    // A stream that waits for the rest of a packet takes what follows for it: begin anew at times.
    if (random(4) === 0) reader = undefined;
  }
}

test(`${PACKETS} random and mutated packets: read or refused with an MqttError, no growth of memory`, (context) => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
  context.diagnostic(`WEIR_SEED=${seed} repeats this`);
  const random = createRandom(seed);
  const seeds = VERSIONS.map((version) =>
    fc.sample(packetOf(version), { numRuns: SEEDS, seed: seed | 0 }).map((packet) => encode(version, packet)),
  );
  const tally: Tally = { read: 0, refused: 0 };
  storm(seeds, random, WARM_UP, tally);
  const before = memory();
  storm(seeds, random, PACKETS - WARM_UP, tally);
  const growth = memory() - before;
  assert.ok(growth < GROWTH, `memory grew by ${growth} bytes`);
  // A storm in which nothing came through, or nothing was bad, would have tested nothing.
  assert.ok(tally.read > PACKETS / 20, `only ${tally.read} were read`);
  assert.ok(tally.refused > PACKETS / 20, `only ${tally.refused} were refused`);
  context.diagnostic(`${tally.read} read, ${tally.refused} refused, ${growth} bytes grown`);
});
