import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandResult } from "../../../../src/core/command.js";
import { eventually } from "../../../support/eventually.js";
import { isCode } from "../../adapters/serial/fixtures.js";
import { Disk, systemError } from "../../outbox/log/disk.js";
import { command, events, live, open } from "./fixture.js";

const RESULTS: readonly CommandResult[] = [
  { ok: true },
  { ok: true, value: Number.NaN },
  { ok: true, value: Uint8Array.of(0, 255) },
  { ok: true, value: false },
  { ok: true, value: 'a"\ud800\u0000' },
  { ok: false, code: "DEVICE_NO_ANSWER", message: "none" },
];

test("what ended is known after a restart with its result, and told again if nobody was", async () => {
  const { log, disk } = await open();
  for (const [index, result] of RESULTS.entries()) {
    await log.begun(command(`${index}`), "c");
    await log.ended(command(`${index}`), "c", result);
  }
  log.told("air", "0");
  await log.ended(command("last"), "c", { ok: true });
  disk.kill();
  await log.close();
  const again = await open(disk);
  for (const [index, result] of RESULTS.entries())
    assert.deepEqual(again.log.find("air", `${index}`), { content: "c", result });
  assert.equal(again.log.find("sun", "1"), undefined);
  const untold = again.log.unanswered().map((left) => left.kind === "ended" && left.id);
  assert.deepEqual(untold, ["1", "2", "3", "4", "5", "last"]);
  assert.deepEqual(events(again.journal), []);
  await again.log.close();
});

test("what had begun is answered as interrupted, what only waited can run", async () => {
  const { log, disk } = await open();
  await Promise.all([log.begun(command("1"), "c"), log.taken(command("2", { value: Uint8Array.of(7) }), "c")]);
  assert.equal(log.find("air", "1"), undefined, "it runs");
  disk.pullPlug(() => 0);
  await log.close();
  const { log: again } = await open(disk);
  const [second, first] = again.unanswered();
  assert.ok(first?.kind === "ended" && !first.result.ok);
  assert.equal(first.result.code, "COMMAND_INTERRUPTED");
  assert.deepEqual(again.find("air", "1"), { content: "c", result: first.result });
  assert.deepEqual(second, { kind: "waits", command: command("2", { value: Uint8Array.of(7) }) });
  again.forget("air", "2");
  again.forget("air", "1");
  again.told("air", "1");
  await again.close();
  const { log: third } = await open(disk);
  assert.deepEqual(third.unanswered(), []);
  assert.ok(third.find("air", "1"), "what ended is not forgotten");
  await third.close();
});

test("the oldest are forgotten: by number, by bytes and by age, which begins anew at a start", async () => {
  let now = 0;
  const { log, disk } = await open(new Disk(), { entries: 4, ticks: () => now });
  await log.taken(command("open"), "c");
  for (const id of ["1", "2", "3", "4"]) await live(log, id);
  assert.deepEqual(
    ["1", "2", "3", "4"].filter((id) => log.find("air", id)),
    ["2", "3", "4"],
  );
  now = 7 * 86_400_000 - 1;
  assert.ok(log.find("air", "2"));
  now += 1;
  assert.equal(log.find("air", "2"), undefined);
  await log.close();
  const again = await open(disk, { entries: 100, ticks: () => now });
  assert.ok(again.log.find("air", "2"));
  for (let n = 0; n < 50; n++) await live(again.log, `n${n}`);
  assert.equal(again.log.find("air", "2"), undefined, "no room");
  assert.ok(again.log.find("air", "n49"));
  assert.equal(again.log.unanswered().length, 1, "what waits stays");
  await again.log.close();
});

test("only so many may be open", async () => {
  const { log } = await open(new Disk(), { entries: 4 });
  assert.ok(log.fits(command("1"), "c"));
  await log.taken(command("1"), "c");
  await log.begun(command("2"), "c");
  assert.ok(!log.fits(command("3"), "c"));
  await log.ended(command("2"), "c", { ok: true });
  assert.ok(log.fits(command("3"), "c"));
  assert.ok(!log.fits(command("3", { value: "x".repeat(2000) }), "c"));
  await log.close();
});

test("a value too long to remember is left out", async () => {
  const { log } = await open();
  await log.ended(command("1"), "c", { ok: true, value: "x".repeat(5000) });
  assert.deepEqual(log.find("air", "1")?.result, { ok: true });
  await log.close();
});

test("the file does not grow, and a full disk is not noticed, however often the banks are switched", async () => {
  const { log, disk, journal } = await open();
  const size = disk.image().get("log")?.length;
  disk.trouble = (call) => (["open create", "claim", "copy"].includes(call) ? systemError("ENOSPC") : undefined);
  for (let n = 0; n < 300; n++) await live(log, `${n}`);
  assert.deepEqual(events(journal), []);
  assert.equal(disk.image().get("log")?.length, size);
  disk.pullPlug(() => 0);
  // It would try again for ever.
  await log.close();
  disk.trouble = () => undefined;
  const { log: again } = await open(disk);
  assert.deepEqual(again.find("air", "299")?.result, { ok: true, value: "299" });
  await again.close();
});

test("one process at a time has it", async () => {
  const { log, disk } = await open();
  await assert.rejects(open(disk), isCode("OUTBOX_LOCKED"));
  await log.close();
  await (await open(disk)).log.close();
});

for (const code of ["EIO", "EROFS"]) {
  test(`${code} for a while: notes resolve, it is said once, and all is stored once it can be`, async () => {
    const { log, disk, journal } = await open();
    await live(log, "1");
    disk.trouble = (call) => (/write|sync|open|rename/.test(call) ? systemError(code) : undefined);
    await live(log, "2");
    await live(log, "3");
    assert.deepEqual(events(journal), ["command_log_unavailable"]);
    assert.ok(log.find("air", "3"), "in memory");
    disk.trouble = () => undefined;
    await eventually(() => journal.length === 2, "it can write again");
    assert.equal(journal[1]?.event, "command_log_available");
    disk.pullPlug(() => 0);
    const { log: again } = await open(disk);
    for (const id of ["1", "2", "3"]) assert.ok(again.find("air", id), id);
    await again.close();
    await log.close();
  });
}

test("each call goes wrong once, in each way: there is a log, and what comes after it is stored", async () => {
  const ways: readonly (readonly [string, (call: string) => Error | number | undefined])[] = [
    ["ENOSPC", () => systemError("ENOSPC")],
    ["EIO", () => systemError("EIO")],
    ["short write", (call) => (call === "write" ? 3 : undefined)],
    ["write of nothing", (call) => (call === "write" ? 0 : undefined)],
  ];
  for (const [way, trouble] of ways) {
    let calls = Number.POSITIVE_INFINITY;
    for (let bad = 1; bad <= calls; bad++) {
      const disk = new Disk();
      let hit = "";
      disk.trouble = (call, path) => {
        if (disk.calls !== bad) return undefined;
        hit = `${way} at call ${bad}, ${call} ${path}`;
        return trouble(call);
      };
      const { log, journal } = await open(disk);
      for (let n = 0; n < 12; n++) await live(log, `${n}`);
      await log.close();
      if (hit === "") calls = disk.calls;
      assert.ok(journal.length <= 2, `${hit}: ${events(journal)}`);
      disk.trouble = () => undefined;
      disk.pullPlug(() => 0);
      const again = await open(disk);
      for (let n = 0; n < 12; n++) assert.ok(again.log.find("air", `${n}`), hit);
      assert.deepEqual(events(again.journal), [], hit);
      await again.log.close();
    }
    assert.ok(calls > 30 && Number.isFinite(calls), `${calls} calls`);
  }
});

test("whatever a power cut leaves of each write, what was noted is there", async () => {
  let seed = 1;
  const chance = (): number => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let round = 0; round < 60; round++) {
    const { log, disk } = await open();
    const cut = 5 + Math.floor(chance() * 60);
    const noted = new Map<string, string>();
    disk.calls = 0;
    let over = false;
    disk.trouble = () => {
      over ||= disk.calls >= cut;
      return over ? systemError("EGONE") : undefined;
    };
    for (let n = 0; n < 30 && !over; n++) {
      await log.begun(command(`${n}`), "c");
      if (!over) noted.set(`${n}`, "begun");
      await log.ended(command(`${n}`), "c", { ok: true });
      if (!over) noted.set(`${n}`, "ended");
    }
    disk.pullPlug(chance);
    disk.trouble = () => undefined;
    await log.close();
    const again = await open(disk);
    assert.deepEqual(events(again.journal), []);
    for (const [id, state] of noted) {
      const result = again.log.find("air", id)?.result;
      assert.ok(result, `${id} is unknown`);
      if (state === "ended") assert.equal(result.ok, true);
    }
    await again.log.close();
  }
});

test("damage is told, the file is kept, and what is sound still counts; what waited is not run", async () => {
  const { log, disk } = await open();
  await log.taken(command("waits"), "c");
  for (const id of ["1", "2", "3"]) await live(log, id);
  await log.close();
  const image = disk.image();
  const bytes = image.get("log") ?? Buffer.alloc(0);
  bytes[bytes.indexOf('"id":"2"')] = 0;
  const hurt = Disk.of(image);
  const again = await open(hurt);
  assert.deepEqual(events(again.journal), ["command_log_damaged"]);
  assert.ok(hurt.image().get("log.corrupt")?.equals(bytes));
  assert.deepEqual(
    ["1", "2", "3"].map((id) => again.log.find("air", id)?.result.ok),
    [true, true, true],
  );
  const waits = again.log.find("air", "waits")?.result;
  assert.equal(waits?.ok === false && waits.code, "COMMAND_INTERRUPTED");
  await again.log.close();
  const third = await open(hurt);
  assert.deepEqual(events(third.journal), [], "it is whole again");
  await third.log.close();
});

test("any bytes at all are a log, and what is not Weir's is set aside", async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from("WEIR-CMD"), Buffer.alloc(9000, 0x5a)]) {
    const disk = Disk.of(new Map([["log", bytes]]));
    const { log, journal } = await open(disk);
    assert.deepEqual(events(journal), ["command_log_damaged"]);
    await live(log, "1");
    await log.close();
    assert.ok(disk.image().has("log.corrupt"));
    const again = await open(disk);
    assert.ok(again.log.find("air", "1"));
    await again.log.close();
  }
});
