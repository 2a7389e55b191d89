import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createReceiver, type Heard } from "../../../../adapters/serial/receive.js";
import { WeirError } from "../../../../src/core/errors.js";
import type { SerialCodec } from "../../../../src/profile/index.js";
import { createFramer } from "../../../../src/protocols/framing/framing.js";
import { bytes, lineCodec, testContext } from "./fixtures.js";

function setup(codec: SerialCodec = lineCodec()) {
  const context = testContext();
  const heard: Heard[] = [];
  const flow: string[] = [];
  const receiver = createReceiver({
    device: "air",
    codec,
    sink: context.sink,
    journal: context.journal,
    now: context.now,
    ticks: () => performance.now(),
    pause: () => flow.push("pause"),
    resume: () => flow.push("resume"),
    heard: (what) => heard.push(what),
  });
  return { context, heard, flow, receiver };
}

/** A sink that takes nothing before it is told to. */
function gate() {
  const waiting: (() => void)[] = [];
  return {
    gate: () => new Promise<void>((resolve) => waiting.push(resolve)),
    open: async () => {
      waiting.shift()?.();
      await turn();
    },
    get held() {
      return waiting.length;
    },
  };
}

test("bytes in any pieces become readings in order", async () => {
  const { context, receiver } = setup();
  for (const piece of ["temp", "erature=21.5,hum", "idity=40\ntempera", "ture=22\n"]) receiver.push(bytes(piece));
  const readings = await context.readings.count(3);
  assert.deepEqual(
    readings.map(({ resource, value }) => [resource, value]),
    [
      ["temperature", 21.5],
      ["humidity", 40],
      ["temperature", 22],
    ],
  );
  assert.deepEqual(readings[0], {
    device: "air",
    resource: "temperature",
    value: 21.5,
    time: 1_700_000_000_000,
    quality: "good",
    unit: "Cel",
  });
  assert.deepEqual(context.entries.items, []);
});

test("the sink has one frame's readings at a time; the port is paused when too many wait, and resumed", async () => {
  const { context, flow, receiver } = setup();
  const held = gate();
  context.gate = held.gate;
  for (let n = 0; n < 20; n += 1) receiver.push(bytes(`temperature=${n}\n`));
  await turn();
  assert.equal(held.held, 1, "one at a time");
  assert.deepEqual(flow, ["pause"]);
  assert.equal(receiver.full, true);
  for (let n = 0; n < 20; n += 1) {
    assert.equal(context.readings.items.length, n);
    await held.open();
  }
  assert.deepEqual(flow, ["pause", "resume"]);
  assert.equal(receiver.full, false);
  assert.deepEqual(
    context.readings.items.map((reading) => reading.value),
    Array.from({ length: 20 }, (_, n) => n),
  );
});

test("readings that are refused are dropped, counted, and the next ones go on", async () => {
  const { context, receiver } = setup();
  let refused = 0;
  context.gate = async () => {
    refused += 1;
    if (refused === 1) throw new WeirError("OUTBOX_FULL", "cloud holds 100 messages");
  };
  receiver.push(bytes("temperature=1,humidity=2\ntemperature=3\n"));
  await context.readings.count(1);
  assert.equal(context.readings.items[0]?.value, 3);
  const [entry] = context.entries.items;
  assert.deepEqual(
    [entry?.event, entry?.count, entry?.reason, entry?.level],
    ["serial_dropped", 2, "outbox_full", "warn"],
  );
  assert.match(entry?.message ?? "", /cloud holds 100 messages/);
});

test("discarded bytes are counted with their reason", async () => {
  const { context, receiver } = setup();
  receiver.push(bytes(`${"x".repeat(100)}\ntemperature=1\nhalf`));
  await receiver.end(1000);
  const counts = new Map<string, number>();
  for (const { event, reason, count } of context.entries.items) {
    assert.equal(event, "serial_discarded");
    counts.set(reason ?? "", (counts.get(reason ?? "") ?? 0) + (count ?? 0));
  }
  assert.equal(counts.get("incomplete"), 4);
  assert.equal((counts.get("too_long") ?? 0) + (counts.get("noise") ?? 0), 101);
  assert.equal(context.readings.items.length, 1);
});

test("an unknown frame is shown in hex, 32 bytes at most; a bad one with its reason", async () => {
  const { context, heard, receiver } = setup();
  receiver.push(bytes(`\u001b[2J${"?".repeat(50)}\nBAD\n`));
  const [unmatched, bad] = await context.entries.count(2);
  assert.equal(unmatched?.event, "serial_unmatched");
  assert.match(unmatched?.message ?? "", /^a frame of 54 bytes .*: 1b5b324a(3f){28}\.\.\.$/);
  assert.equal(bad?.event, "serial_undecodable");
  assert.match(bad?.message ?? "", /ack could not be decoded: it is bad/);
  assert.deepEqual(
    heard.map((what) => what.kind),
    ["bad"],
    "who waits for an answer hears of a bad one",
  );
});

test("an answer is heard though nobody takes the readings before it", async () => {
  const { context, heard, receiver } = setup();
  context.gate = () => new Promise(() => {});
  receiver.push(bytes("temperature=1\nOK\n"));
  assert.deepEqual(
    heard.map((what) => what.message),
    ["values", "ack"],
  );
});

test("a frame that ends in silence ends without another byte", async () => {
  const codec = { ...lineCodec(), framer: () => createFramer({ kind: "silence", gap: 5, max: 64 }) };
  const { context, receiver } = setup(codec);
  receiver.push(bytes("temperature=7"));
  const [reading] = await context.readings.count(1);
  assert.equal(reading?.value, 7);
  await receiver.end(1000);
});

test("the end waits for readings on their way, for a bounded time, and counts what is left", async () => {
  const patient = setup();
  const held = gate();
  patient.context.gate = held.gate;
  patient.receiver.push(bytes("temperature=1\n"));
  await turn();
  const ended = patient.receiver.end(60_000);
  await held.open();
  await ended;
  assert.equal(patient.context.readings.items.length, 1);

  const stuck = setup();
  stuck.context.gate = () => new Promise(() => {});
  stuck.receiver.push(bytes("temperature=1\ntemperature=2\nhumidity=3\n"));
  await stuck.receiver.end(1);
  const dropped = await stuck.context.entries.first((entry) => entry.event === "serial_dropped");
  assert.deepEqual([dropped.count, dropped.reason], [2, "closed"]);
  stuck.receiver.push(bytes("temperature=4\n"));
  await turn();
  assert.equal(stuck.context.readings.items.length, 0);
});
