import assert from "node:assert/strict";
import test from "node:test";
import { listOr, nearNames, suggest } from "../../../src/core/near.js";

test("a slip of the hand finds the name that was meant", () => {
  const names = ["qos", "retain", "format", "topic", "report", "resources"];
  assert.deepEqual(nearNames("Qos", names), ["qos"]);
  assert.deepEqual(nearNames("reprot", names), ["report"]);
  assert.deepEqual(nearNames("resource", names), ["resources"]);
  assert.deepEqual(nearNames("zzz", names), []);
  assert.deepEqual(nearNames("x".repeat(10_000), ["x".repeat(10_001)]), []);
});

test("without a near name the few that there are", () => {
  assert.equal(suggest("qso", ["qos", "topic"]), "; did you mean qos?");
  assert.equal(suggest("zzz", ["b", "a", "c"]), "; there are a, b and c");
  assert.equal(suggest("zzz", []), "");
  assert.equal(listOr(["0", "1", "2"]), "0, 1 or 2");
});
