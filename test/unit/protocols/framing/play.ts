import assert from "node:assert/strict";
import type { FrameCheck, Framer, FramerOutput } from "../../../../src/protocols/framing/framer.js";
import { createFramer, type Framing, pendingBound } from "../../../../src/protocols/framing/framing.js";

/** One byte a character. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.split(" "), (byte) => Number.parseInt(byte, 16));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** `["frame", text, size]` or `[reason, size]`. */
export type Summary = readonly ["frame", string, number] | readonly [string, number];

/** Neighbouring discards of one reason count as one: how they are grouped depends on the chunks. */
export function summarize(outputs: readonly FramerOutput[]): Summary[] {
  const summaries: Summary[] = [];
  for (const output of outputs) {
    const last = summaries.at(-1);
    if (output.kind === "frame") {
      summaries.push(["frame", Buffer.from(output.bytes).toString("latin1"), output.size]);
    } else if (last?.length === 2 && last[0] === output.reason) {
      summaries[summaries.length - 1] = [output.reason, last[1] + output.size];
    } else summaries.push([output.reason, output.size]);
  }
  return summaries;
}

/** Pushes chunks and ends the stream; checks after each call that every byte is accounted for and `pending` is bounded. */
export function play(framer: Framer, bound: number, chunks: readonly Uint8Array[]): FramerOutput[] {
  const outputs: FramerOutput[] = [];
  let pushed = 0;
  let accounted = 0;
  const take = (batch: readonly FramerOutput[]): void => {
    for (const [index, output] of batch.entries()) {
      const before = batch[index - 1];
      assert.ok(output.size > 0, "an output of no bytes");
      if (output.kind === "frame")
        assert.ok(output.bytes.buffer.byteLength === output.bytes.length, "a frame pins more");
      else if (before?.kind === "discard") assert.notEqual(before.reason, output.reason, "discards not merged");
      accounted += output.size;
      outputs.push(output);
    }
    assert.equal(accounted + framer.pending, pushed, "bytes in = sizes + pending");
    assert.ok(framer.pending <= bound, `pending ${framer.pending} > ${bound}`);
  };
  for (const chunk of chunks) {
    pushed += chunk.length;
    take(framer.push(chunk, 0));
  }
  take(framer.end());
  assert.equal(framer.pending, 0);
  return outputs;
}

/** The chunks between the given cuts. */
export function split(input: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...[...cuts].sort((a, b) => a - b), input.length];
  return edges.slice(1).map((edge, index) => input.subarray(edges[index] ?? 0, edge));
}

/** Expects the same of the stream whole, byte by byte, and cut in two anywhere, from one framer used again after each end. */
export function expectOutputs(
  framing: Framing,
  input: Uint8Array,
  expected: readonly Summary[],
  check?: FrameCheck,
): void {
  const framer = createFramer(framing, check);
  const bound = pendingBound(framing);
  const everywhere = Array.from(input, (_, index) => index);
  for (const cuts of [[], everywhere, ...everywhere.map((cut) => [cut])]) {
    assert.deepEqual(summarize(play(framer, bound, split(input, cuts))), expected, `cut at ${cuts.join(" ")}`);
  }
}
