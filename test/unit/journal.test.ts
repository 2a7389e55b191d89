import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecorder, type JournalOptions } from "../../src/journal.js";

function recorder(
  options: Partial<JournalOptions> = {},
): { lines: string[]; clock: { now: number } } & ReturnType<typeof createRecorder> {
  const lines: string[] = [];
  const clock = { now: 0 };
  const made = createRecorder({
    level: "info",
    format: "text",
    write: (line) => lines.push(line),
    now: () => clock.now,
    ...options,
  });
  return { lines, clock, ...made };
}

const discarded = {
  level: "warn",
  event: "serial_discarded",
  at: "air",
  reason: "noise",
  message: "discarded bytes",
} as const;

test("a line says when, how bad, where, what and which event", () => {
  const { journal, lines } = recorder();
  journal({ level: "info", event: "link_up", at: "serial:/dev/ttyUSB0", message: "the link is up" });
  assert.deepEqual(lines, ["1970-01-01T00:00:00.000Z info  serial:/dev/ttyUSB0: the link is up link_up"]);
});

test("repeats are counted but not logged for a while, then the line says how many were not shown", () => {
  const { journal, lines, clock, counters } = recorder();
  for (let i = 0; i < 5; i++) journal({ ...discarded, count: 3 });
  assert.equal(lines.length, 1);
  clock.now = 10_000;
  journal({ ...discarded, count: 1 });
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? "", /\(noise\) \[total 16, 4 not shown\]$/);
  assert.deepEqual(counters(), [{ event: "serial_discarded", at: "air", reason: "noise", count: 16 }]);
});

test("another reason or another place is another line and another counter", () => {
  const { journal, lines, counters } = recorder();
  journal(discarded);
  journal({ ...discarded, reason: "checksum" });
  journal({ ...discarded, at: "power" });
  assert.equal(lines.length, 3);
  assert.equal(counters().length, 3);
});

test("below the level nothing is logged, all is counted", () => {
  const { journal, lines, counters } = recorder({ level: "error" });
  journal(discarded);
  assert.deepEqual(lines, []);
  assert.equal(counters()[0]?.count, 1);
});

test("a clock that is set back does not silence the log", () => {
  const { journal, lines, clock } = recorder();
  clock.now = 1e12;
  journal(discarded);
  clock.now = 5;
  journal(discarded);
  assert.equal(lines.length, 2);
});

test("line breaks and terminal codes from a wire stay visible and harmless", () => {
  const { journal, lines } = recorder();
  journal({ ...discarded, message: "bad\r\n\u001b[2Jframe" });
  assert.ok(lines[0]?.includes("bad\\u000d\\u000a\\u001b[2Jframe"));
});

test("json lines parse and carry the same facts", () => {
  const { journal, lines } = recorder({ format: "json" });
  journal({ ...discarded, count: 2 });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), {
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    event: "serial_discarded",
    at: "air",
    reason: "noise",
    message: "discarded bytes",
    total: 2,
  });
});

test("memory is bounded even if places never repeat, and what comes beyond is counted and logged all the same", () => {
  const { journal, counters, lines } = recorder({ level: "error" });
  for (let i = 0; i < 10_100; i++) journal({ ...discarded, at: `${i}` });
  assert.equal(counters().length, 10_001);
  assert.deepEqual(counters().at(-1), { event: "other_events", at: "journal", reason: "", count: 100 });
  journal({ level: "error", event: "link_failed", at: "late", message: "no such port" });
  assert.deepEqual(lines, ["1970-01-01T00:00:00.000Z error late: no such port link_failed"]);
});
