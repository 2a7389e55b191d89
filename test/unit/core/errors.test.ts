import assert from "node:assert/strict";
import { test } from "node:test";
import { CATALOGUE, messageOf, WeirError } from "../../../src/core/errors.js";

test("an error has its code's advice", () => {
  assert.equal(new WeirError("OUTBOX_FULL", "full").advice, CATALOGUE.OUTBOX_FULL);
});

test("whatever was thrown has a text", () => {
  assert.equal(messageOf(new Error("broken")), "broken");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(new Error("")), "no reason was given");
  const refused = Object.assign(new AggregateError([new Error("::1"), new Error("127.0.0.1")]), {
    code: "ECONNREFUSED",
  });
  assert.equal(messageOf(refused), "ECONNREFUSED");
});
