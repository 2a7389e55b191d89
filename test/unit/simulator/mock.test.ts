import assert from "node:assert/strict";
import { test } from "node:test";
import { mockLine } from "../../../src/simulator/mock.js";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("bytes pass both ways while the port is open; what is said to a closed port is lost", async () => {
  const { line, far } = mockLine();
  const sent: string[] = [];
  const heard: string[] = [];
  const side = { send: (bytes: Uint8Array) => void sent.push(text(bytes)) };
  line.onData((bytes) => heard.push(text(bytes)));
  await line.write(Buffer.from("nobody"));
  const closed = far.opened(side);
  await line.write(Buffer.from("hello"));
  far.received(Buffer.from("hi"), side);
  closed();
  await line.write(Buffer.from("gone"));
  assert.deepEqual([sent, heard], [["hello"], ["hi"]]);
});

test("an old session that ends late does not cut off the new one", async () => {
  const { line, far } = mockLine();
  const sent: string[] = [];
  const closeFirst = far.opened({ send: () => assert.fail("the first session is over") });
  far.opened({ send: (bytes) => void sent.push(text(bytes)) });
  closeFirst();
  await line.write(Buffer.from("hello"));
  assert.deepEqual(sent, ["hello"]);
  await line.close();
  await line.write(Buffer.from("switched off"));
  assert.deepEqual(sent, ["hello"]);
});
