/** `weir import` as a process: what goes where, and how it ends. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.js");
const LIMIT = 20_000;

function weir(t: TestContext, conf: string) {
  const folder = mkdtempSync(join(tmpdir(), "weir-import-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "m.conf"), conf);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: "utf8", timeout: LIMIT });
  const imported = run("import", "m.conf");
  writeFileSync(join(folder, "weir.yaml"), imported.stdout);
  return { imported, check: run("check"), run };
}

const SOUND = "connection up\naddress a.example\nremote_clientid up\ntry_private true\ntopic a/# out 1\n";

test("the configuration on stdout is sound, the notes on stderr; 0 where all that carries messages is in it", (t) => {
  const { imported, check } = weir(t, SOUND);
  assert.equal(imported.status, 0);
  assert.equal(imported.stderr, "m.conf:4: try_private: left out: no mark of a bridge is sent to the upstream\n");
  assert.match(check.stdout, /sound: 0 devices, 1 bridge/);
  assert.equal(check.status, 0);
});

test("1 where a topic line could not be carried over, and what is printed is sound all the same", (t) => {
  const { imported, check } = weir(t, `${SOUND}topic b out 1 half whole/\ntopic a/# in 1 "" ""\ntopic a/b/# in 1\n`);
  assert.equal(imported.status, 1);
  assert.match(imported.stderr, /^m\.conf:6: error: this topic line is left out: the prefixes end inside a level/m);
  assert.equal(check.status, 0, check.stderr);
});

test("2 without a file, and where there is none of that name", (t) => {
  const { run } = weir(t, SOUND);
  assert.equal(run("import").status, 2);
  const missing = run("import", "none.conf");
  assert.equal(missing.status, 2);
  assert.equal(missing.stderr, "none.conf: the file does not exist\n");
});
