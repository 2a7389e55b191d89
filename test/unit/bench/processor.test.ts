import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { execPath, pid } from "node:process";
import { test } from "node:test";
import {
  busySeconds,
  busySecondsOf,
  childrenSeconds,
  processorSeconds,
  processorSecondsOf,
} from "../../../bench/processor.js";

test("user and system time are read past a name with blanks and brackets", () => {
  const stat = "4711 (a) b (c)) S 1 4711 4711 0 -1 4194304 900 0 3 0 250 125 7 9 20 0 11 0 81000 1 2 3";
  assert.equal(processorSecondsOf(stat), 3.75);
});

test("a text without times is an error, not a zero", () => {
  assert.throws(() => processorSecondsOf(""), /no times/);
  assert.throws(() => processorSecondsOf("4711 (node) Z 1 2"), /no times/);
});

test("the time of a process grows when it works", async () => {
  const before = await processorSeconds(pid);
  const until = process.cpuUsage().user + 50_000;
  while (process.cpuUsage().user < until);
  assert.ok((await processorSeconds(pid)) > before);
});

test("the time of a child counts once it has ended", async () => {
  const before = await childrenSeconds(pid);
  execFileSync(execPath, [
    "-e",
    "const until = process.cpuUsage().user + 50_000; while (process.cpuUsage().user < until);",
  ]);
  assert.ok((await childrenSeconds(pid)) - before >= 0.04);
});

test("the busy time of cores is all but idle and waiting for a disk, of those that are named", async () => {
  const stat =
    "cpu  300 10 100 9000 50 5 15 20 7 0\ncpu0 200 10 50 4000 50 5 5 10 7 0\ncpu1 100 0 50 5000 0 0 10 10 0 0\nintr 1\n";
  assert.equal(busySecondsOf(stat), 4.5);
  assert.equal(busySecondsOf(stat, [1]), 1.7);
  assert.equal(busySecondsOf(stat, [0, 1]), 4.5);
  assert.throws(() => busySecondsOf(stat, [2]), /no cpu2/);
  assert.ok((await busySeconds()) > 0);
});
