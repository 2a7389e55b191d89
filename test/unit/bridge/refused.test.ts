import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RefusedFile } from "../../../src/bridge/refused.js";
import { parcelOf } from "./session/pure.js";

function rig(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weir-refused-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "bridge", "refused.jsonl");
}

test("a line for each message, with all of it and why", async (t) => {
  const path = rig(t);
  const file = new RefusedFile(path, () => 0);
  assert.equal(await file.keep(parcelOf(1), "too large"), `kept in ${path}`);
  await file.keep(parcelOf(2, 2), "not authorized");
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line): unknown => JSON.parse(line)),
    [
      { time: "1970-01-01T00:00:00.000Z", why: "too large", topic: "a", qos: 1, retain: false, payload: "MQ==" },
      { time: "1970-01-01T00:00:00.000Z", why: "not authorized", topic: "a", qos: 2, retain: false, payload: "Mg==" },
    ],
  );
});

test("it has a bound, and a disk that takes nothing is said", async (t) => {
  const path = rig(t);
  const file = new RefusedFile(path, () => 0);
  await file.keep(parcelOf(1), "why");
  truncateSync(path, 16 * 1024 * 1024);
  assert.match(await file.keep(parcelOf(2), "why"), /not kept: .* is full/);
  writeFileSync(join(path, "..", "file"), "");
  assert.match(await new RefusedFile(join(path, "..", "file", "x"), () => 0).keep(parcelOf(3), "why"), /^not kept: /);
});
