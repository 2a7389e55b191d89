import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "../../faults/arguments.js";
import { NOTHING, type Tallies } from "../../faults/compare.js";
import { failures, jsonLine, summarize, table } from "../../faults/report.js";
import type { RunResult } from "../../faults/run.js";

const held: Tallies = {
  0: { ...NOTHING, sent: 4, received: 3 },
  1: { ...NOTHING, sent: 12, acknowledged: 11, received: 12, duplicated: 2 },
  2: { ...NOTHING, sent: 9, acknowledged: 9, received: 9 },
};

function result(seed: number, change: Partial<RunResult> = {}): RunResult {
  const done = new Map([["gateway-kill", 2]]);
  return { seed, about: "", tallies: held, done, violations: [], crashes: 0, drained: true, folder: "", ...change };
}

test("runs are summed up in a table and in one line of JSON", () => {
  const violations = [{ kind: "dup_missing", text: "" }] as const;
  const summary = summarize(5, [result(5), result(6, { done: new Map([["acks-cut", 1]]), violations })]);
  assert.deepEqual(failures(summary), []);
  assert.equal(
    table(summary),
    `       sent  acknowledged  received  lost  duplicated  reordered  strange
QoS 0     8             -         6     -           0          0        0
QoS 1    24            22        24     0           4          0        0
QoS 2    18            18        18     0           0          0        0
faults done: acks-cut 1, gateway-kill 2
violations of the standard seen by the upstream: dup_missing 1`,
  );
  const line = JSON.parse(jsonLine(summary)) as Record<string, unknown>;
  assert.equal(line["runs"], 2);
  assert.equal(line["seed"], 5);
  assert.deepEqual(line["qos2"], { ...NOTHING, sent: 18, acknowledged: 18, received: 18 });
  assert.deepEqual(line["faults"], { "gateway-kill": 2, "acks-cut": 1 });
  assert.deepEqual(line["violations"], { dup_missing: 1 });
});

test("a broken promise, a crash and an upstream that never got all are failures", () => {
  const tallies = { ...held, 2: { ...held[2], lost: 1, duplicated: 3 } };
  assert.deepEqual(failures(summarize(1, [result(1), result(2, { tallies, crashes: 1, drained: false })])), [
    "QoS 2: 1 acknowledged messages were lost",
    "QoS 2: 3 messages arrived again",
    "the gateway ended by itself 1 times",
    "in 1 runs the patience was over first: what is missing may wait in the outbox still",
  ]);
});

test("arguments: what is left out, what is chosen, what is refused", () => {
  const usual = readArguments([], () => 9);
  assert.equal(usual.seed, 9);
  assert.equal(usual.json, false);
  assert.ok(!usual.faults.includes("disk"));
  const chosen = readArguments(
    [
      "--seed",
      "3",
      "--runs",
      "2",
      "--fault",
      "acks-cut,disk",
      "--method",
      "A",
      "--protocol",
      "5",
      "--qos",
      "2",
      "--json",
    ],
    () => 9,
  );
  assert.deepEqual(chosen.faults, ["acks-cut", "disk"]);
  assert.deepEqual([chosen.seed, chosen.runs, chosen.method, chosen.protocol, chosen.json], [3, 2, "A", 5, true]);
  assert.deepEqual(chosen.qos, [2]);
  assert.deepEqual(readArguments(["--fault", "none"], () => 9).faults, []);
  for (const wrong of ["--fault=x", "--runs=0", "--seed=-1", "--seconds=x", "--protocol=3", "--qos=3", "--else=1"]) {
    assert.throws(() => readArguments([wrong], () => 9), Error, wrong);
  }
});
