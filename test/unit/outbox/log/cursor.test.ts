import assert from "node:assert/strict";
import { test } from "node:test";
import { CursorFile, MOST_RANGES, type Position } from "../../../../src/outbox/log/cursor.js";
import { Disk } from "./disk.js";

const PATH = "/log/cursor";

async function read(image: ReadonlyMap<string, Buffer>): Promise<Position | undefined> {
  return new CursorFile(Disk.of(image).files(), PATH).read();
}

/** The file after each of these positions was written in turn. */
async function written(positions: readonly Position[]): Promise<Map<string, Buffer>> {
  const disk = new Disk();
  const cursor = new CursorFile(disk.files(), PATH);
  assert.equal(await cursor.read(), undefined);
  for (const position of positions) await cursor.write(position);
  await cursor.close();
  return disk.image();
}

test("the last position written is read, with its ranges, by the next one too", async () => {
  const gone = Array.from({ length: MOST_RANGES }, (_, index) => ({ first: index * 10, last: index * 10 + 5 }));
  const image = await written([
    { acknowledged: 1, stored: 1 + 1, gone: [] },
    { acknowledged: 2, stored: 2 + 1, gone: [] },
    { acknowledged: 2 ** 48 - 1, stored: 2 ** 47, gone },
  ]);
  const position = await read(image);
  assert.equal(position?.acknowledged, 2 ** 48 - 1);
  assert.equal(position?.stored, 2 ** 47);
  assert.deepEqual(position?.gone, gone);
  const disk = Disk.of(image);
  const next = new CursorFile(disk.files(), PATH);
  await next.read();
  await next.write({ acknowledged: 4, stored: 4 + 1, gone: [] });
  assert.equal((await read(disk.image()))?.acknowledged, 4);
});

test("a write that is torn at any byte leaves this position or the one before", async () => {
  const before = await written([
    { acknowledged: 10, stored: 10 + 1, gone: [] },
    { acknowledged: 20, stored: 20 + 1, gone: [{ first: 30, last: 40 }] },
  ]);
  const after = await written([
    { acknowledged: 10, stored: 10 + 1, gone: [] },
    { acknowledged: 20, stored: 20 + 1, gone: [{ first: 30, last: 40 }] },
    { acknowledged: 50, stored: 50 + 1, gone: [{ first: 60, last: 70 }] },
  ]);
  const [old, fresh] = [before.get("cursor"), after.get("cursor")];
  assert.ok(old && fresh);
  let whole = 0;
  for (let bytes = 0; bytes <= fresh.length; bytes++) {
    const torn = Buffer.concat([fresh.subarray(0, bytes), old.subarray(bytes)]);
    const position = await read(new Map([["cursor", torn]]));
    assert.ok(
      position?.acknowledged === 20 || position?.acknowledged === 50,
      `${bytes} bytes: ${position?.acknowledged}`,
    );
    if (position.acknowledged === 50) whole += 1;
  }
  assert.ok(whole > 0 && whole < fresh.length);
});

test("a file of anything else, or of nothing, is no cursor", async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(8192), Buffer.alloc(8192, 0xff), Buffer.from("WEIR-CUR")]) {
    assert.equal(await read(new Map([["cursor", bytes]])), undefined);
  }
});
