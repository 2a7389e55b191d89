import assert from "node:assert/strict";
import { test } from "node:test";
import { bridgeReport } from "../../../src/bridge/report.js";
import type { Entry } from "../../../src/core/journal.js";

function rig() {
  const entries: Entry[] = [];
  const clock = { now: 0 };
  const report = bridgeReport(
    "up",
    (entry) => entries.push(entry),
    () => clock.now,
  );
  return { report, clock, entries, levels: () => entries.splice(0).map((entry) => entry.level) };
}

test("the first failure of a row is loud, its repeats are not, and it is brought to mind every ten minutes", () => {
  const { report, clock, levels } = rig();
  const refused = new Error("connect ECONNREFUSED");
  for (let i = 0; i < 3; i++) report.failed("mqtt://far:1883", refused);
  assert.deepEqual(levels(), ["warn", "debug", "debug"]);
  clock.now = 10 * 60_000;
  for (let i = 0; i < 2; i++) report.failed("mqtt://far:1883", refused);
  assert.deepEqual(levels(), ["warn", "debug"]);
});

test("another failure is news, and so is the same one after a success", () => {
  const { report, levels } = rig();
  report.failed("mqtt://far:1883", new Error("a"));
  report.failed("mqtt://far:1883", new Error("b"));
  report.up("mqtt://far:1883", 0);
  report.failed("mqtt://far:1883", new Error("b"));
  assert.deepEqual(levels(), ["warn", "warn", "info", "warn"]);
});

test("there is always a reason in the line", () => {
  const { report, entries } = rig();
  report.failed("mqtt://far:1883", Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }));
  report.failed("mqtt://far:1883", new Error(""));
  assert.deepEqual(
    entries.map((entry) => entry.message),
    [
      "mqtt://far:1883: ECONNREFUSED. It is tried again until it is there.",
      "mqtt://far:1883: no reason was given. It is tried again until it is there.",
    ],
  );
});
