import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { python } from "../../conformance/python.js";
import { eventually } from "../../support/eventually.js";

const folder = tmpdir();

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("what a script leaves behind is ended with it", async () => {
  const { code, said } = await python("sh", { args: ["-c", "sleep 60 & echo $!; exit 3"], folder, patience: 20_000 });
  assert.equal(code, 3);
  await eventually(() => !runs(Number(said)), "what it started has ended");
});

test("a script that takes too long is ended, and what it said is kept", async () => {
  const { code, said } = await python("sh", { args: ["-c", "echo a; echo b >&2; sleep 60"], folder, patience: 300 });
  assert.equal(code, null);
  assert.match(said, /a/);
  assert.match(said, /b/);
});
