import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIdle, parseReport } from "../../../bench/load.js";

const REPORT = {
  label: "",
  mode: "fanin",
  "pub/s": 2001,
  "recv/s": 2000,
  sent: 6000,
  acked: 5999,
  recv: 5998,
  expected: 6000,
  missing: 3,
  dup: 1,
  ooo: 4,
  lat_us: { n: 4145, p50: 104, p90: 200, p99: 544 },
  cpu: [
    { pid: 1, us_per_msg: 19.3, user_us: 9.65, sys_us: 9.65, pct: 4, rss0_kb: 1, rss1_kb: 2 },
    { pid: 2, us_per_msg: 7.5, user_us: 5, sys_us: 2.5, pct: 1, rss0_kb: 1, rss1_kb: 2 },
  ],
  gen_cpu_pct: 5,
};

test("what a run measured is read from its report", () => {
  assert.deepEqual(parseReport(`${JSON.stringify(REPORT)}\n`), {
    perSecond: 2000,
    sent: 6000,
    acknowledged: 5999,
    received: 5998,
    expected: 6000,
    missing: 3,
    duplicates: 1,
    outOfOrder: 4,
    latencyUs: { p50: 104, p99: 544 },
    processes: [
      { usPerMessage: 19.3, percent: 4 },
      { usPerMessage: 7.5, percent: 1 },
    ],
    ownPercent: 5,
  });
});

test("a report that lacks a number is an error that names it", () => {
  assert.throws(() => parseReport(JSON.stringify({ ...REPORT, missing: undefined })), /no number missing/);
  assert.throws(() => parseReport(JSON.stringify({ ...REPORT, cpu: [{ pid: 1 }] })), /no number us_per_msg/);
  assert.throws(() => parseReport(JSON.stringify({ ...REPORT, cpu: undefined })), /no list cpu/);
  assert.throws(() => parseReport(JSON.stringify({ ...REPORT, lat_us: { p50: 1 } })), /no number p99/);
  assert.throws(() => parseReport(""), SyntaxError);
});

test("what idle connections cost is read from their report", () => {
  const report = {
    mode: "idle",
    conns: 2000,
    ready: 1999,
    cpu: [{ pid: 1, rss0_kb: 1, rss1_kb: 2, kb_per_conn: 11.9 }],
  };
  assert.deepEqual(parseIdle(JSON.stringify(report)), { ready: 1999, kbPerConnection: 11.9 });
  assert.throws(() => parseIdle(JSON.stringify({ ...report, cpu: [] })), /no number kb_per_conn/);
});
