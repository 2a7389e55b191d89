// `npm run build`: compiles src, adapters, test and bench into dist/, and leaves nothing there that has no source any more:
// a stale dist/test/x.test.js would go on passing, or failing, long after its source was deleted.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { argv, execPath, exit, stdout } from "node:process";
import { removeStale } from "./stale.mjs";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

// The compiler's own JavaScript entry, started with this Node: no shell, no PATH.
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
if (!existsSync(compiler)) {
  stdout.write("build: node_modules/typescript is missing: run `npm ci` first\n");
  exit(1);
}
/** @param {readonly string[]} options */
const compile = (...options) => spawnSync(execPath, [compiler, ...options], { stdio: "inherit" }).status ?? 1;
const compiled = compile("--project", join(root, "tsconfig.json"), ...argv.slice(2));
// Types for those who import what package.json exports. The rest of Weir is a program: nobody imports it.
const declared = compile("--project", join(root, "scripts", "tsconfig.exports.json"));

const removed = removeStale(root, dist);
if (removed.length > 0) stdout.write(`build: removed ${removed.length} outputs whose source is gone\n`);

const main = join(dist, "src", "main.js");
if (existsSync(main)) chmodSync(main, 0o755);
exit(compiled || declared);
