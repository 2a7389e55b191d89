import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { identify, watchPresence } from "../../../../adapters/serial/presence.js";
import { isCode } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "weir-presence-"));
after(() => rmSync(folder, { recursive: true }));

/** /dev/null and /dev/zero stand for two devices: character devices that every machine has. */
function pointTo(name: string, device: string): string {
  const path = join(folder, name);
  symlinkSync(device, `${path}.new`);
  renameSync(`${path}.new`, path);
  return path;
}

test("a device is known by what it is, through links", async () => {
  const path = pointTo("a", "/dev/null");
  const identity = await identify(path);
  assert.equal(identity, await identify("/dev/null"));
  assert.notEqual(identity, await identify("/dev/zero"));
});

test("what is not there or no serial port is told apart", async () => {
  await assert.rejects(identify(join(folder, "none")), isCode("PORT_NOT_FOUND"));
  await assert.rejects(identify(pointTo("dangling", join(folder, "none"))), isCode("PORT_NOT_FOUND"));
  await assert.rejects(identify("/dev/null/below"), isCode("PORT_NOT_FOUND"));
  writeFileSync(join(folder, "file"), "");
  await assert.rejects(identify(join(folder, "file")), (error: Error) => {
    return isCode("PORT_FAILED")(error) && /is not a serial port/.test(error.message);
  });
  await assert.rejects(identify(folder), isCode("PORT_FAILED"));
});

test("a device that goes is noticed", async () => {
  const path = pointTo("goes", "/dev/null");
  const identity = await identify(path);
  const gone = new Promise<Error>((resolve) => watchPresence(path, identity, resolve));
  rmSync(path);
  assert.match((await gone).message, /goes was unplugged$/);
});

test("another device under the same name is noticed", async () => {
  const path = pointTo("swapped", "/dev/null");
  const identity = await identify(path);
  const gone = new Promise<Error>((resolve) => watchPresence(path, identity, resolve));
  pointTo("swapped", "/dev/zero");
  assert.match((await gone).message, /was unplugged and plugged in again/);
});
