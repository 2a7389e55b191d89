import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../support/eventually.js";
import { counted, drain, message, open, textOf } from "./fixture.js";

test("what expired is not given but counted, behind and in front of what did not, and after a restart", async () => {
  let time = 1000;
  const now = (): number => time;
  const { outbox, disk, journal } = await open({ now });
  await outbox.append(message("a"), { expiry: 10, rule: "values" });
  await outbox.append(message("b"));
  await outbox.append(message("c"), { expiry: 20 });
  await outbox.append(message("d"), { expiry: 30 });
  time = 1010;
  const b = outbox.take();
  assert.deepEqual([b && textOf(b), b?.appended, b?.expires], ["b", 1000, undefined]);
  assert.deepEqual(
    journal.map(({ event, at, reason }) => [event, at, reason]),
    [["outbox_dropped", "up", "expired"]],
    "its rule is not kept with it",
  );
  await outbox.close();
  time = 1029;
  const again = await open({ now }, disk);
  assert.equal(again.outbox.depth.messages, 3, "counted until it is at the head");
  const entries = [again.outbox.take(), again.outbox.take(), again.outbox.take()];
  assert.deepEqual(
    entries.map((entry) => entry && [textOf(entry), entry.appended, entry.expires]),
    [["b", 1000, undefined], ["d", 1000, 1030], undefined],
  );
  assert.equal(counted(again.journal, "outbox_dropped", "expired"), 1);
  assert.deepEqual(again.outbox.depth, { messages: 2, bytes: 8, oldest: 1000 });
  await again.outbox.close();
});

test("what is older than the outbox keeps messages is dropped, and what was there before is too", async () => {
  let time = 1000;
  const now = (): number => time;
  const first = await open({ now });
  await first.outbox.append(message("a"));
  time = 1100;
  await first.outbox.append(message("b"), { expiry: 1 });
  await first.outbox.append(message("c"));
  await first.outbox.close();
  time = 1101;
  const { outbox, journal } = await open({ now, maxAge: 100 }, first.disk);
  assert.deepEqual((await drain(outbox)).map(textOf), ["c"]);
  assert.deepEqual(
    journal.map(({ reason }) => reason),
    ["too_old", "expired"],
  );
  await outbox.close();
});

test("a clock that is set back makes nothing stale", async () => {
  let time = 1e6;
  const { outbox } = await open({ now: () => time, maxAge: 100 });
  await outbox.append(message("a"), { expiry: 50 });
  time = 1000;
  assert.equal(outbox.take()?.expires, 1e6 + 50);
  await outbox.close();
});

test("nobody takes, nobody appends: what expired leaves all the same, its segments with it, up to what did not", async () => {
  let time = 1000;
  const { outbox, disk, journal } = await open({ now: () => time, segmentBytes: 1000, readAhead: 10 });
  for (let n = 0; n < 200; n++) await outbox.append(message(String(n)), { expiry: 500 });
  await outbox.append(message("stays"));
  await outbox.append(message("behind it"), { expiry: 500 });
  time = 2000;
  await eventually(() => outbox.depth.messages === 2, "what expired left");
  assert.equal(counted(journal, "outbox_dropped", "expired"), 200);
  const segments = (): number => [...disk.names.keys()].filter((name) => name.endsWith(".seg")).length;
  await eventually(() => segments() <= 2, "segments were deleted");
  assert.deepEqual((await drain(outbox)).map(textOf), ["stays"]);
  disk.kill();
  const again = await open({ now: () => time }, disk);
  assert.deepEqual(again.outbox.recovered.quarantined, []);
  assert.deepEqual((await drain(again.outbox)).map(textOf), ["stays"]);
  await again.outbox.close();
  await outbox.close();
});

test("at the bound, what expired makes room before anything else is dropped or refused", async () => {
  for (const whenFull of ["refuse", "drop-newest", "drop-oldest"] as const) {
    let time = 1000;
    const { outbox, journal } = await open({ now: () => time, maxMessages: 3, whenFull });
    await outbox.append(message("a"), { expiry: 5 });
    await outbox.append(message("b"), { expiry: 5 });
    await outbox.append(message("c"));
    time = 1005;
    outbox.check(message("d"));
    await outbox.append(message("d"));
    await outbox.append(message("e"));
    assert.deepEqual(
      journal.map(({ reason }) => reason),
      ["expired", "expired"],
    );
    assert.deepEqual((await drain(outbox)).map(textOf), ["c", "d", "e"]);
    await outbox.close();
  }
});

test("an expiry of nothing, of ages and of no number", async () => {
  let time = 1000;
  const { outbox, disk } = await open({ now: () => time });
  for (const expiry of [0, -5, 1e30, Number.POSITIVE_INFINITY, Number.NaN]) {
    await outbox.append(message(String(expiry)), { expiry });
  }
  await outbox.close();
  time = 1001;
  const again = await open({ now: () => time }, disk);
  const entries = await drain(again.outbox);
  assert.deepEqual(
    entries.map((entry) => [textOf(entry), entry.expires]),
    [
      ["1e+30", 1000 + 2 ** 40 - 1],
      ["Infinity", 1000 + 2 ** 40 - 1],
      ["NaN", undefined],
    ],
  );
  await again.outbox.close();
});
