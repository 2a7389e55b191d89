import assert from "node:assert/strict";
import { pid } from "node:process";
import { test } from "node:test";
import { processorSeconds, processorSecondsOf } from "../../../bench/processor.js";

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
