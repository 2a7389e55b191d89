import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReport } from "../../../../bench/coap/load.js";

/** As coapload prints it. */
const REPORT = {
  "req/s": 76789,
  sent: 223264,
  answered: 223264,
  refused: 1,
  again: 2,
  failed: 3,
  strange: 0,
  notified: 0,
  lat_us: { p50: 504, p90: 592, p99: 4224, p999: 7936, max: 13264 },
  cpu: { us_per_req: 13.02, pct: 100, rss0_kb: 100, rss1_kb: 123908, bytes_per_observation: 590 },
  gen_busy_pct: 14,
};

test("a report of coapload", () => {
  assert.deepEqual(parseReport(REPORT), {
    perSecond: 76789,
    sent: 223264,
    answered: 223264,
    refused: 1,
    retransmitted: 2,
    failed: 3,
    latencyUs: { p50: 504, p99: 4224 },
    usPerRequest: 13.02,
    percent: 100,
    residentMb: 126.881792,
    bytesPerObservation: 590,
    ownPercent: 14,
  });
});

test("a report of another version is refused by what it lacks", () => {
  const { again: _, ...older } = REPORT;
  assert.throws(() => parseReport(older), /no number again/);
  assert.throws(() => parseReport({ ...REPORT, cpu: 1 }), /no number us_per_req/);
  assert.throws(() => parseReport(null), /no number req\/s/);
});
