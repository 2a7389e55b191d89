import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

/** Runs a test file of this text with our reporter. */
async function report(t: TestContext, text: string): Promise<{ status: number | null; lines: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), "weir-reporter-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "a.test.mjs");
  await writeFile(file, `import { test } from "node:test";\n${text}\n`);
  // Set by the runner that runs this test: a runner below it would report to it instead.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ["--test", "--test-reporter=./scripts/reporter.mjs", "--test-reporter-destination=stdout", file];
  const ran = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  return { status: ran.status, lines: ran.stdout.split("\n") };
}

test("what was skipped, and what to install, stands just before the runner's closing lines", async (t) => {
  const { status, lines } = await report(
    t,
    `test("a", { skip: "needs socat, mosquitto: npm run setup:peers installs it" }, () => {});
     test("b", { skip: "needs socat: npm run setup:peers installs it" }, () => {});
     test("c", { skip: "no recordings here" }, () => {});
     test("d", { skip: true }, () => {});
     test("e", () => {});`,
  );
  assert.equal(status, 0);
  const start = lines.findIndex((line) => line.startsWith("1.."));
  assert.deepEqual(lines.slice(start + 1, start + 6), [
    "# skipped 2, not installed: mosquitto socat (npm run setup:peers installs them)",
    "# skipped 1: no recordings here",
    "# skipped 1: no reason given",
    "# tests 5",
    "# suites 0",
  ]);
  assert.match(lines.at(-2) ?? "", /^# duration_ms/);
});

test("nothing is added where nothing was skipped", async (t) => {
  const { lines } = await report(t, `test("a", () => {});`);
  const start = lines.findIndex((line) => line.startsWith("1.."));
  assert.equal(lines[start + 1], "# tests 1");
});

test("what failed stands there too, in one line each, and still fails", async (t) => {
  const { status, lines } = await report(t, `test("a", () => { throw new Error("no,\\nnot this"); });`);
  assert.equal(status, 1);
  const start = lines.findIndex((line) => line.startsWith("1.."));
  assert.match(lines[start + 1] ?? "", /^# FAILED: a \(.*a\.test\.mjs:2\): no, \| not this$/);
  assert.equal(lines[start + 2], "# tests 1");
  assert.ok(lines.includes("# fail 1"));
});
