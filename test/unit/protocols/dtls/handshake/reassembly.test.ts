import assert from "node:assert/strict";
import { test } from "node:test";
import { DtlsError } from "../../../../../src/protocols/dtls/errors.js";
import type { Fragment, HandshakeMessage } from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import { Reassembly } from "../../../../../src/protocols/dtls/handshake/reassembly.js";
import { seeded } from "../../../../support/random.js";

const LONGEST = 16_384;

function messageOf(sequence: number, length: number): HandshakeMessage {
  return { type: 11, sequence, body: Uint8Array.from({ length }, (_, index) => (index * 7 + sequence) & 0xff) };
}

function piece({ type, sequence, body }: HandshakeMessage, offset: number, end: number): Fragment {
  return { type, sequence, length: body.length, offset, bytes: body.subarray(offset, end) };
}

function whole(message: HandshakeMessage): Fragment {
  return piece(message, 0, message.body.length);
}

function takeAll(reassembly: Reassembly): HandshakeMessage[] {
  const all: HandshakeMessage[] = [];
  for (let one = reassembly.take(); one !== undefined; one = reassembly.take()) all.push(one);
  return all;
}

test("messages come in their order, whatever order they arrived in", () => {
  const [first, second, third] = [messageOf(3, 10), messageOf(4, 0), messageOf(5, 20)];
  const reassembly = new Reassembly(3, LONGEST);
  assert.equal(reassembly.add(whole(third)), "kept");
  assert.equal(reassembly.add(whole(second)), "kept");
  assert.equal(reassembly.take(), undefined);
  assert.equal(reassembly.add(whole(first)), "kept");
  assert.deepEqual(takeAll(reassembly), [first, second, third]);
  assert.equal(reassembly.add(whole(second)), "known");
  assert.equal(reassembly.bytes, 0);
});

test("fragments overlap, come twice, and in any order", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = seeded(seed);
    const message = messageOf(0, random.between(1, 400));
    const reassembly = new Reassembly(0, LONGEST);
    let taken: HandshakeMessage | undefined;
    for (let attempt = 0; taken === undefined; attempt++) {
      assert.ok(attempt < 5000, `seed ${seed}`);
      const offset = random.between(0, message.body.length - 1);
      reassembly.add(piece(message, offset, random.between(offset + 1, message.body.length)));
      assert.ok(reassembly.bytes <= message.body.length);
      taken = reassembly.take();
    }
    assert.deepEqual(taken, message, `seed ${seed}`);
  }
});

test("a byte that is there is not replaced", () => {
  const message = messageOf(0, 10);
  const reassembly = new Reassembly(0, LONGEST);
  reassembly.add(piece(message, 0, 6));
  assert.equal(reassembly.add({ ...piece(message, 2, 6), bytes: new Uint8Array(4) }), "known");
  reassembly.add(piece(message, 4, 10));
  assert.deepEqual(reassembly.take(), message);
});

test("what is kept is a copy", () => {
  const message = messageOf(0, 10);
  const bytes = message.body.slice();
  const reassembly = new Reassembly(0, LONGEST);
  reassembly.add({ ...whole(message), bytes });
  bytes.fill(0);
  assert.deepEqual(reassembly.take(), message);
});

test("another message under the same number, one far ahead, one too long", () => {
  const reassembly = new Reassembly(0, 100);
  assert.equal(reassembly.add(piece(messageOf(0, 50), 0, 10)), "kept");
  assert.equal(reassembly.add(piece(messageOf(0, 51), 0, 51)), "refused");
  assert.equal(reassembly.add({ ...piece(messageOf(0, 50), 10, 50), type: 12 }), "refused");
  assert.equal(reassembly.add(whole(messageOf(8, 5))), "refused");
  assert.equal(reassembly.add(whole(messageOf(7, 5))), "kept");
  assert.throws(() => reassembly.add(piece(messageOf(1, 101), 0, 1)), DtlsError);
});

test("later messages make room for the one that is next", () => {
  const reassembly = new Reassembly(0, 100);
  for (const sequence of [1, 2]) assert.equal(reassembly.add(whole(messageOf(sequence, 100))), "kept");
  assert.equal(reassembly.add(whole(messageOf(3, 100))), "refused");
  assert.equal(reassembly.add(whole(messageOf(0, 100))), "kept");
  assert.equal(reassembly.bytes, 200);
  assert.deepEqual(takeAll(reassembly), [messageOf(0, 100), messageOf(1, 100)]);
});

test("however many fragments of however many messages, it is bounded, and the next message comes through", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const reassembly = new Reassembly(0, 2000);
    for (let count = 0; count < 5000; count++) {
      const message = messageOf(random.between(1, 9), 2000);
      const offset = random.between(0, 1990);
      reassembly.add(piece(message, offset, offset + random.between(1, 3)));
    }
    // Pieces of one to three bytes: it is their number that is the bound.
    assert.ok(reassembly.bytes > 256 && reassembly.bytes <= 256 * 3, `${reassembly.bytes}`);
    assert.equal(reassembly.add(whole(messageOf(0, 2000))), "kept");
    assert.deepEqual(reassembly.take(), messageOf(0, 2000));
  }
});
