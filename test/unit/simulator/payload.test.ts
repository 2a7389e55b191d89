import assert from "node:assert/strict";
import { test } from "node:test";
import { decode as decodeCbor } from "cborg";
import type { Scalar } from "../../../src/core/reading.js";
import type { Profile } from "../../../src/profile/index.js";
import { postingOf, postsOf } from "../../../src/simulator/payload.js";

const profile: Profile = {
  name: "generic/test",
  vendor: "generic",
  model: "test",
  resources: new Map([
    ["temperature", { type: "number", unit: "Cel", access: "R" }],
    ["open", { type: "boolean", access: "R" }],
    ["raw", { type: "bytes", access: "R" }],
  ]),
  samples: [],
};
const values = new Map<string, Scalar>([
  ["temperature", 21.5],
  ["open", false],
  ["raw", Buffer.from([1, 0xff])],
]);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("all values in one request", () => {
  const [json, ...rest] = postsOf(profile, { format: "json", post: "device" }, "air", values);
  assert.deepEqual(rest, []);
  assert.deepEqual([json?.path, json?.contentFormat], [["air"], 50]);
  assert.equal(text(json?.payload ?? Buffer.alloc(0)), '{"temperature":21.5,"open":false,"raw":"Af8="}');

  const [cbor] = postsOf(profile, { format: "cbor", post: "device" }, "air", values);
  assert.equal(cbor?.contentFormat, 60);
  const decoded = decodeCbor(cbor?.payload ?? Buffer.alloc(0));
  assert.deepEqual(decoded, { temperature: 21.5, open: false, raw: new Uint8Array([1, 0xff]) });

  const [senml] = postsOf(profile, { format: "senml-json", post: "device" }, "air", values);
  assert.equal(senml?.contentFormat, 110);
  assert.equal(
    text(senml?.payload ?? Buffer.alloc(0)),
    '[{"n":"temperature","u":"Cel","v":21.5},{"n":"open","vb":false},{"n":"raw","vd":"Af8"}]',
  );

  const [senmlCbor] = postsOf(profile, { format: "senml-cbor", post: "device" }, "air", values);
  assert.equal(senmlCbor?.contentFormat, 112);
  assert.equal((senmlCbor?.payload ?? Buffer.alloc(0))[0], 0x83); // an array of three records
});

test("one request a value, below a path of several levels", () => {
  const posts = postsOf(profile, { format: "text", post: "resource" }, "/site/air", values);
  assert.deepEqual(
    posts.map((post) => [post.path.join("/"), post.contentFormat, post.payload.length]),
    [
      ["site/air/temperature", 0, 4],
      ["site/air/open", 0, 5],
      ["site/air/raw", 0, 2],
    ],
  );
  assert.deepEqual(
    postsOf(profile, { format: "json", post: "resource" }, "air", values).map((post) => text(post.payload)),
    ["21.5", "false", '"Af8="'],
  );
  assert.equal(
    text(postsOf(profile, { format: "senml-json", post: "resource" }, "air", values)[0]?.payload ?? Buffer.alloc(0)),
    '[{"n":"temperature","u":"Cel","v":21.5}]',
  );
});

test("no values are no request, and a profile without a coap section posts JSON", () => {
  assert.deepEqual(postsOf(profile, { format: "json", post: "device" }, "air", new Map()), []);
  assert.deepEqual(postingOf(profile), { format: "json", post: "device" });
  assert.deepEqual(postingOf({ ...profile, coap: { format: "text", post: "resource", reads: [], commands: {} } }), {
    format: "text",
    post: "resource",
  });
});
