import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deflateSync } from "node:zlib";
import {
  BatchError,
  type BatchMessage,
  type Compression,
  compressionAvailable,
  DICTIONARY,
  decodeBatch,
  encodeBatch,
} from "../../src/protocols/batch/index.js";
import { EXAMPLE, reading } from "../unit/protocols/batch/readings.js";
import { createRandom, type Random } from "../unit/protocols/framing/specimens.js";

const INPUTS = 100_000;
/** Inputs before memory is measured first: compiled code is there then. */
const WARM_UP = 20_000;
/** In bytes. Keeping a hundred bytes of every input would come to more. */
const GROWTH = 6 * 1024 * 1024;
const LIMITS = { maxBytes: 10_000 };

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** After the turns in which Node closes what inflating used, some of which wait for its threads. */
async function memory(): Promise<number> {
  for (let turn = 0; turn < 20; turn++) {
    await setImmediate();
    collectGarbage();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const COMPRESSIONS = (["none", "zlib", "zstd"] as const satisfies Compression[]).filter(compressionAvailable);
const ODD: readonly BatchMessage[] = [
  { topic: "$a/ü", payload: Uint8Array.of(0, 0xff), qos: 2, retain: true },
  { topic: "b", payload: Buffer.from('{"t":1,"x":[1.5,null]}'), qos: 0, retain: false },
  reading("weir/c", "text", 1_763_890_000_000),
  reading("weir/c", -21.37, 1_763_890_012_345, "Cel"),
];

function seeds(): Uint8Array[] {
  return (["json", "senml-cbor"] as const).flatMap((format) =>
    COMPRESSIONS.flatMap((compression) =>
      [EXAMPLE, ODD].map((messages) => encodeBatch(messages, { format, compression, id: "7" })),
    ),
  );
}

function mutated(seed: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(seed);
  const at = random(bytes.length);
  switch (random(6)) {
    case 0: // a bit turned over
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1: // several bytes changed
      for (let count = random(6); count >= 0; count--) bytes[random(bytes.length)] = random(256);
      return bytes;
    case 2: // cut
      return bytes.subarray(0, at);
    case 3: // a part twice
      return new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))]));
    case 4: // random bytes behind a good beginning
      return bytes.map((byte, index) => (index < at ? byte : random(256)));
    default: // changed, and compressed again so that the checksum is right
      bytes[at] = random(256);
      return new Uint8Array(deflateSync(bytes, { dictionary: DICTIONARY }));
  }
}

test(`${INPUTS} mutated batches: messages or a BatchError, no growth of memory`, async (context: TestContext) => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
  context.diagnostic(`WEIR_SEED=${seed} repeats this`);
  const random = createRandom(seed);
  const good = seeds();
  let before = 0;
  let decoded = 0;
  for (let count = 0; count < INPUTS; count++) {
    if (count === WARM_UP) before = await memory();
    // Node frees what inflating took only after the present turn.
    if (count % 100 === 0) await setImmediate();
    const input = mutated(good[random(good.length)] ?? Uint8Array.of(), random);
    try {
      const { messages } = decodeBatch(input, LIMITS);
      const size = messages.reduce((sum, { topic, payload }) => sum + topic.length + payload.length, 0);
      assert.ok(size <= LIMITS.maxBytes);
      decoded += 1;
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
    }
  }
  const growth = (await memory()) - before;
  // A storm in which nothing was sound, or everything, would have tested nothing.
  assert.ok(decoded > INPUTS / 50 && decoded < INPUTS / 2, `${decoded} were decoded`);
  assert.ok(growth < GROWTH, `memory grew by ${growth} bytes`);
});

/** A record whose name is `letter` below the base name. */
const record = (letter: string): string => `\xa2\x00\x61${letter}\x04\xf5`;
const LONG_NAME = `\x21\x79\xff\xff${"a".repeat(0xffff)}`;

const BOMBS: readonly (readonly [string, Uint8Array])[] = [
  ["128 bytes of zlib", deflateSync(Buffer.alloc(90_000), { level: 9 })],
  ["zlib of 100 MB of zeros", deflateSync(Buffer.alloc(100_000_000), { level: 9 })],
  ["zlib of a JSON array of empty objects", deflateSync(`[${"{},".repeat(5_000_000)}{}]`)],
  ["a JSON array of empty objects", Buffer.from(`[${"{},".repeat(349_000)}{}]`)],
  ["zlib of deep JSON", deflateSync("[".repeat(900_000))],
  ["JSON with a deep payload", Buffer.from(`[{"topic":"a","payload":${"[".repeat(400_000)}${"]".repeat(400_000)}}]`)],
  ["an array of 2^32 records", Buffer.from("9affffffffa0", "hex")],
  ["a text of 2^53 bytes", Buffer.from("81a1037b0020000000000000", "hex")],
  [
    "a long base name before many names",
    Buffer.from(
      `\x99\xea\x60\xa4${LONG_NAME}\x63wbf\x18\x18${record("b").slice(1)}${record("c").repeat(59_999)}`,
      "latin1",
    ),
  ],
  ["nested arrays", Buffer.alloc(900_000, 0x81)],
  ["nested tags", Buffer.concat([Buffer.from("81a103", "hex"), Buffer.alloc(900_000, 0xc4)])],
  // A single-segment frame that says it has 1 GiB, of one block that repeats one byte; a frame with a window of 2 GiB.
  ["zstd that says 1 GiB", Buffer.from("28b52ffda0000000400300100041", "hex")],
  ["zstd with a large window", Buffer.from("28b52ffd00a80300100041", "hex")],
];

/** What refusing a bomb may take for a moment, in bytes. JSON.parse takes 45 times as many as an array of empty objects has. */
const PEAK = 60 * 2 ** 20;
const MODULE = new URL("../../src/protocols/batch/index.js", import.meta.url).href;
/**
 * Prints the error's name, and by how many KiB the highest memory of the process grew: hence a process for each bomb. Not
 * by resourceUsage, which begins with what the parent had.
 */
const REFUSE = `
  import { readFileSync } from "node:fs";
  import { decodeBatch } from ${JSON.stringify(MODULE)};
  const highest = () => Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  const bomb = readFileSync(0);
  const before = highest();
  try { decodeBatch(bomb); } catch (error) { console.log(error.name, highest() - before); }`;

for (const [what, bomb] of BOMBS) {
  test(`a bomb is refused and takes little: ${what}`, {
    skip: process.platform !== "linux" && "reads /proc",
  }, (context) => {
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", REFUSE], { input: bomb, encoding: "utf8" });
    const [name, kib] = ran.stdout.trim().split(" ");
    assert.equal(name, "BatchError", ran.stderr);
    context.diagnostic(`${bomb.length} bytes, ${kib} KiB`);
    assert.ok(Number(kib) * 1024 < PEAK, `${kib} KiB`);
  });
}
