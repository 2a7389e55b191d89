import assert from "node:assert/strict";
import { test } from "node:test";
import { gatherRequests, understand } from "../../../src/simulator/requests.js";

const known = new Map([
  ["ping", "pong"],
  ["abc", "xyz"],
  ["quiet", ""],
]);
const answer = (request: Uint8Array): Uint8Array | undefined => {
  const said = known.get(Buffer.from(request).toString());
  return said === undefined ? undefined : Buffer.from(said);
};
const texts = (answers: readonly Uint8Array[]): string[] => answers.map((bytes) => Buffer.from(bytes).toString());

test("a request, several in one go, and what is none", () => {
  for (const [bytes, answers, left] of [
    ["ping", ["pong"], 0],
    ["pingabcping", ["pong", "xyz", "pong"], 0],
    ["pingx", ["pong"], 1],
    ["quietping", ["", "pong"], 0],
    ["pin", [], 3],
    ["", [], 0],
  ] as const) {
    const understood = understand(Buffer.from(bytes), answer);
    assert.deepEqual([texts(understood.answers), understood.left], [answers, left], bytes);
  }
});

test("a request that comes in pieces is one request, and silence ends it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said: Uint8Array[] = [];
  let ignored = 0;
  const requests = gatherRequests({
    answer,
    say: (bytes) => said.push(bytes),
    ignored: (count) => {
      ignored += count;
    },
  });
  for (const piece of ["p", "in", "g"]) {
    requests.push(Buffer.from(piece));
    t.mock.timers.tick(49);
  }
  assert.deepEqual(said, []);
  t.mock.timers.tick(1);
  assert.deepEqual(texts(said), ["pong"]);
  assert.equal(ignored, 0);
  requests.push(Buffer.from("abc"));
  t.mock.timers.tick(50);
  assert.deepEqual(texts(said), ["pong", "xyz"]);
  requests.push(Buffer.from("abc"));
  requests.close();
  t.mock.timers.tick(1000);
  assert.equal(said.length, 2);
});

test("bytes without an end are bounded and counted, and the next request is understood", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said: Uint8Array[] = [];
  let ignored = 0;
  let longest = 0;
  const requests = gatherRequests({
    answer: (request) => {
      longest = Math.max(longest, request.length);
      return answer(request);
    },
    say: (bytes) => said.push(bytes),
    ignored: (count) => {
      ignored += count;
    },
  });
  for (let i = 0; i < 1000; i++) requests.push(Buffer.alloc(1000, 0x21));
  t.mock.timers.tick(50);
  assert.equal(ignored, 1_000_000);
  assert.equal(longest, 256);
  requests.push(Buffer.from("ping"));
  t.mock.timers.tick(50);
  assert.deepEqual(texts(said), ["pong"]);
  assert.equal(ignored, 1_000_000);
});
