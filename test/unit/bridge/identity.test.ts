import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldStamp } from "../../../src/bridge/identity.js";
import { messageOf } from "./session/pure.js";

const stamp = fieldStamp((lane, sequence) => `g:${lane}:${sequence}`);
const stamped = (payload: string): string => Buffer.from(stamp(messageOf(payload), 0, 42).payload).toString();

test("the id goes in front of the fields of a JSON object", () => {
  assert.equal(stamped('{"v":21.5,"q":"good"}'), '{"weirId":"g:0:42","v":21.5,"q":"good"}');
  assert.equal(stamped("{ }"), '{"weirId":"g:0:42"}');
  assert.equal(stamped('{\n  "v": 1\n}'), '{"weirId":"g:0:42","v": 1\n}');
});

test("what is no JSON object, or has an id already, stays as it is", () => {
  for (const payload of ["21.5", "[1]", "{broken", '"text"', "", "{x}", '{"weirId":"mine"}'])
    assert.equal(stamped(payload), payload);
  const binary = { ...messageOf(""), payload: Uint8Array.of(0x7b, 0xff, 0x7d) };
  assert.deepEqual(stamp(binary, 0, 1).payload, binary.payload);
});
