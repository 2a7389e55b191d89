import assert from "node:assert/strict";
import { test } from "node:test";
import { topicFault } from "../../../../src/broker/connection/topic-fault.js";

test("control characters and noncharacters are refused, wherever; the rest is not", () => {
  for (const bad of ["\u0001", "\u001f", "\u007f", "\u009f", "\ufffe", "\uffff", "\ufdd0", "\u{1ffff}", "\u{10ffff}"])
    for (const text of [bad, `a/${bad}`, `${bad}b`]) assert.notEqual(topicFault(text), undefined, escape(bad));
  for (const good of ["a", "é/ü", "\u00a0", "\ufffd", "\ufeff", "😀", "\ue000", " ", "\u0300"])
    assert.equal(topicFault(good), undefined);
});

test("as many levels as may be, and no more", () => {
  assert.equal(topicFault("a/b/c", 3), undefined);
  assert.notEqual(topicFault("a/b/c/", 3), undefined);
  assert.equal(topicFault("/".repeat(63), 64), undefined);
  assert.notEqual(topicFault("/".repeat(65_535), 64), undefined);
});
