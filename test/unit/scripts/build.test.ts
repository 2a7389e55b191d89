import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

test("outputs whose source is gone are removed, folders with them, and nothing else", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "weir-stale-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const sources = ["src/a.ts", "src/b.json", "src/protocols/p/c.ts", "test/x.test.ts"];
  const kept = [
    "dist/src/a.js",
    "dist/src/a.js.map",
    "dist/src/b.json",
    "dist/src/protocols/p/c.d.ts",
    "dist/test/x.test.js",
  ];
  const stale = [
    "dist/src/gone.js",
    "dist/src/gone.js.map",
    "dist/src/gone/deep/c.js",
    "dist/src/a.d.ts",
    "dist/src/protocols/p/gone.d.ts",
    "dist/old.json",
  ];
  for (const path of [...sources, ...kept, ...stale]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), "");
  }
  const code = `
    import { removeStale } from "./scripts/stale.mjs";
    console.log(JSON.stringify(removeStale(process.argv[1], process.argv[1] + "/dist").sort()));`;
  const ran = spawnSync(process.execPath, ["--input-type=module", "-e", code, root], { encoding: "utf8" });
  assert.equal(ran.stderr, "");
  assert.deepEqual(JSON.parse(ran.stdout), stale.map((path) => path.slice("dist/".length)).sort());
  for (const path of [...sources, ...kept]) assert.ok(existsSync(join(root, path)), path);
  assert.equal(existsSync(join(root, "dist/src/gone")), false);
});
