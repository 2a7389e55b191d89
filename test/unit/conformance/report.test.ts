import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "../../conformance/explanations.js";
import { jsonLine, line, markdown, type Report, stale, summary, unexplained } from "../../conformance/report.js";
import type { Outcome } from "../../conformance/verdict.js";

const outcomes: readonly Outcome[] = [
  { suite: "eclipse-5", test: "test_basic", verdict: "pass", seconds: 6.04 },
  { suite: "mosquitto", test: "07-will-delay", verdict: "fail", why: "FAIL: a | b", seconds: 1 },
  { suite: "mosquitto", test: "08-x", verdict: "left out", why: "TLS", seconds: 0 },
  { suite: "mosquitto", test: "08-y", verdict: "left out", why: "TLS", seconds: 0 },
  {
    suite: "mosquitto",
    test: "msg_sequence_test",
    verdict: "fail",
    why: "3 of 9 parts fail",
    seconds: 2,
    parts: {
      total: 9,
      failed: [
        { name: "v5.0 PUBLISH 1", why: "x" },
        { name: "v5.0 PUBLISH 2", why: "y" },
        { name: "v5.0 AUTH 1", why: "z" },
      ],
    },
  },
];
const report: Report = { broker: "Weir 1", versions: ["mosquitto v2"], outcomes };
const explanations = { "msg_sequence_test: v5.0 PUBLISH*": "on purpose" };

test("an explanation is found by the name, the part, or their beginning", () => {
  assert.equal(explain({ a: "x" }, "a"), "x");
  assert.equal(explain({ a: "x" }, "a", "part"), undefined);
  assert.equal(explain({ "a*": "x", "a: b": "y" }, "a", "b"), "y");
  assert.equal(explain({ "a: p*": "x" }, "a", "part"), "x");
  assert.equal(explain({ a: "x" }, "ab"), undefined);
  assert.equal(explain({}, "constructor"), undefined);
});

test("a line a test, and a summary a suite", () => {
  assert.equal(line({ suite: "s", test: "t", verdict: "pass", seconds: 6.04 }), "pass      s  t  6.0 s");
  assert.equal(
    line({ suite: "s", test: "t", verdict: "fail", why: "w", seconds: 1, parts: { total: 3, failed: [] } }),
    "fail      s  t (3 of 3 parts pass)  1.0 s\n          w",
  );
  assert.equal(
    summary(report),
    `broker: Weir 1
mosquitto v2
eclipse-5      1 of 1 pass, 0 left out
mosquitto      0 of 2 pass, 2 left out`,
  );
  assert.deepEqual(JSON.parse(jsonLine(report)), report);
});

test("failures without an explanation are named, parts by themselves", () => {
  assert.deepEqual(unexplained(outcomes, explanations), ["07-will-delay", "msg_sequence_test: v5.0 AUTH 1"]);
  assert.deepEqual(unexplained(outcomes, { "07*": "a", msg_sequence_test: "b" }), []);
});

test("an explanation of what does not fail any more is named", () => {
  assert.deepEqual(stale(outcomes, { ...explanations, "07-will-delay": "so", "08-x": "not run" }), []);
  const old = {
    test_basic: "a",
    "test_b*": "b",
    "msg_sequence_test: v5.0 PINGREQ*": "c",
    "msg_sequence_test: v5.0 AUTH": "d",
  };
  assert.deepEqual(stale(outcomes, old), Object.keys(old));
});

test("the page has every test, and what has one reason is in one row", () => {
  assert.equal(
    markdown(report, explanations),
    `Broker: Weir 1

- mosquitto v2

| suite | pass | fail | left out |
|---|---|---|---|
| eclipse-5 | 1 | 0 | 0 |
| mosquitto | 0 | 2 | 2 |

### eclipse-5

| test | result | why |
|---|---|---|
| test_basic | pass |  |

### mosquitto

| test | result | why |
|---|---|---|
| 07-will-delay | fail | FAIL: a \\| b |
| msg_sequence_test | fail (6 of 9) | 3 of 9 parts fail |
| v5.0 PUBLISH 1; v5.0 PUBLISH 2 | fail | on purpose |
| v5.0 AUTH 1 | fail | not explained: z |
| 08-x 08-y | left out | TLS |
`,
  );
  assert.match(markdown(report, { "07-will-delay": "so" }), /\| 07-will-delay \| fail \| so \|/);
});
