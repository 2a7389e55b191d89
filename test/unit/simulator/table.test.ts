import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { VirtualTimeScheduler } from "rxjs";
import type { Message } from "../../../src/core/message.js";
import type { Row } from "../../../src/simulator/render.js";
import { choose, liveTable, type Screen } from "../../../src/simulator/table.js";

const message = (topic: string, payload: string): Message => ({
  topic,
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
});

/** The table's time, which passes only here. */
class Clock {
  readonly scheduler = new VirtualTimeScheduler(undefined, 0);
  advance(ms: number): void {
    this.scheduler.maxFrames += ms;
    this.scheduler.flush();
    this.scheduler.frame = this.scheduler.maxFrames;
  }
}

/** Takes what is written; with `isTTY` it is a terminal that knows the few codes the table may use. */
class FakeScreen extends EventEmitter implements Screen {
  readonly written: string[] = [];
  full = false;
  columns: number | undefined = 60;
  rows: number | undefined = 10;
  isTTY = true;
  write(text: string): boolean {
    this.written.push(text);
    return !this.full;
  }
  /** What a person sees. Throws at a code that it does not know. */
  lines(): string[] {
    const lines = [""];
    let row = 0;
    let column = 0;
    for (const [code] of this.written.join("").matchAll(/\x1b\[\d*[A-Za-z]|./gs)) {
      if (code === "\r") column = 0;
      else if (code === "\n") {
        row += 1;
        column = 0;
        lines[row] ??= "";
      } else if (/^\x1b\[\d+A$/.test(code)) row = Math.max(0, row - Number(code.slice(2, -1)));
      else if (code === "\x1b[J") lines.splice(row, lines.length, (lines[row] ?? "").slice(0, column));
      else {
        assert.doesNotMatch(code, /\p{Cc}/u);
        const line = lines[row] ?? "";
        lines[row] = line.slice(0, column) + code + line.slice(column + 1);
        column += 1;
      }
    }
    return lines;
  }
}

test("a terminal: drawn in place, four times a second at most, and only when there is something new", () => {
  const clock = new Clock();
  const screen = new FakeScreen();
  let now = 0;
  const table = liveTable(screen, { scheduler: clock.scheduler, now: () => now, prefix: "up/" });
  clock.advance(10_000);
  assert.deepEqual(screen.written, []);
  for (let i = 0; i < 100; i++) table.hear(message("up/air/pm1_0", `{"v":${i},"u":"ug/m3","q":"good"}`));
  assert.equal(screen.written.length, 0);
  clock.advance(250);
  assert.equal(screen.written.length, 1);
  assert.deepEqual(screen.lines(), [
    "device  resource  value     QoS  age  messages",
    "air     pm1_0     99 ug/m3    1   0s       100",
    "",
  ]);
  table.hear(message("up/air/status", "online"));
  clock.advance(250);
  assert.equal(screen.written.length, 2);
  assert.deepEqual(screen.lines(), [
    "device  resource  value     QoS  age  messages",
    "air     pm1_0     99 ug/m3    1   0s       100",
    "air     status    online      1   0s         1",
    "",
  ]);
  // Nothing came: only the ages grow, once a second.
  now = 2_000;
  clock.advance(999);
  assert.equal(screen.written.length, 2);
  clock.advance(1);
  assert.equal(screen.written.length, 3);
  assert.match(screen.lines()[1] ?? "", /2s/);
  table.close();
});

test("a terminal: log lines stay above the table", () => {
  const clock = new Clock();
  const screen = new FakeScreen();
  const table = liveTable(screen, { scheduler: clock.scheduler, now: () => 0 });
  table.above("first");
  table.hear(message("w/air/t", "1"));
  clock.advance(250);
  table.above("second\n");
  assert.deepEqual(screen.lines(), [
    "first",
    "second",
    "device  resource  value  QoS  age  messages",
    "air     t         1        1   0s         1",
    "",
  ]);
  table.close();
  table.above("after");
  assert.equal(screen.lines().at(-2), "after");
});

test("a terminal: no more lines than it has, and the last one says how many are left out", () => {
  const clock = new Clock();
  const screen = new FakeScreen();
  const table = liveTable(screen, { scheduler: clock.scheduler, now: () => 0 });
  for (let i = 0; i < 300; i++) table.hear(message(`w/d/${String(i).padStart(3, "0")}`, "1"));
  clock.advance(250);
  const lines = screen.lines();
  assert.equal(lines.length, 10);
  assert.deepEqual(lines.slice(7), ["… and 194 more", "… and 100 messages of other topics", ""]);
  // Made smaller: the old lines are broken in two there, and the new ones fit.
  screen.columns = 30;
  screen.rows = 4;
  table.hear(message("w/d/000", "2"));
  clock.advance(250);
  // 7 table lines of 43 columns take two lines each, and the two notes 1 and 2.
  const last = screen.written.at(-1) ?? "";
  assert.ok(last.startsWith("\r\x1b[17A\x1b[J"), JSON.stringify(last.slice(0, 20)));
  assert.equal(last.split("\n").length, 4);
  table.close();
});

test("where there is no room for all, every device has a row before any has a second", () => {
  const row = (device: string, resource: string): Row => ({
    device,
    resource,
    value: "1",
    unit: "",
    qos: 0,
    heardAt: 0,
    messages: 1,
  });
  const rows = [..."abcdef"]
    .map((resource) => row("air", resource))
    .concat(row("gps", "x"), row("gps", "y"), row("hall", "t"));
  const names = (room: number): string[] => choose(rows, room).map(({ device, resource }) => `${device}/${resource}`);
  assert.equal(names(9).length, 9);
  assert.deepEqual(names(8), ["air/a", "air/b", "air/c", "air/d", "gps/x", "gps/y", "hall/t"]);
  assert.deepEqual(names(4), ["air/a", "gps/x", "hall/t"]);
  assert.deepEqual(names(3), ["air/a", "gps/x"]);
  assert.deepEqual(names(1), []);
  assert.deepEqual(names(0), []);
});

test("a screen that takes no more is left alone until it drains", () => {
  const clock = new Clock();
  const screen = new FakeScreen();
  screen.full = true;
  const table = liveTable(screen, { scheduler: clock.scheduler, now: () => 0 });
  table.hear(message("w/air/t", "1"));
  clock.advance(250);
  table.hear(message("w/air/t", "2"));
  clock.advance(60_000);
  assert.equal(screen.written.length, 1);
  screen.emit("drain");
  clock.advance(250);
  assert.equal(screen.written.length, 2);
  table.close();
});

test("a screen that is gone ends the table and nothing else", () => {
  const clock = new Clock();
  const screen = new FakeScreen();
  const table = liveTable(screen, { scheduler: clock.scheduler, now: () => 0 });
  table.hear(message("w/air/t", "1"));
  clock.advance(250);
  screen.emit("error", new Error("EPIPE"));
  table.hear(message("w/air/t", "2"));
  clock.advance(60_000);
  table.close();
  assert.equal(screen.written.length, 1);
  // A write that was under way fails as well.
  screen.emit("error", new Error("EPIPE"));
});

test("a pipe: a fresh table every five seconds if something came, without terminal codes, and the last one at the end", () => {
  const clock = new Clock();
  const screen = new FakeScreen();
  screen.isTTY = false;
  screen.columns = undefined;
  screen.rows = undefined;
  const table = liveTable(screen, { scheduler: clock.scheduler, now: () => 0 });
  for (let i = 0; i < 30; i++) table.hear(message(`w/d/${10 + i}`, "\x1b[31m"));
  clock.advance(4_999);
  assert.deepEqual(screen.written, []);
  clock.advance(1);
  const [first = ""] = screen.written;
  assert.equal(first.split("\n").length, 1 + 30 + 2);
  assert.ok(
    first.startsWith("device  resource  value  QoS  age  messages\nd       10        ·[31m    1   0s         1\n"),
  );
  assert.ok(first.endsWith("\n\n"));
  clock.advance(60_000);
  assert.equal(screen.written.length, 1);
  table.above("log");
  table.hear(message("w/d/10", "x"));
  table.close();
  assert.deepEqual([screen.written.length, screen.written[1]], [3, "log\n"]);
  clock.advance(60_000);
  table.close();
  assert.equal(screen.written.length, 3);
  assert.doesNotMatch(screen.written.join(""), /\x1b/);
});
