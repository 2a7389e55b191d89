import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { run } from "./run.mjs";

/** What the package must hold, and what must stay out of it. */
const WANTED = [
  "LICENSE",
  "dist/src/main.js",
  "dist/src/protocols/batch/index.js",
  "dist/src/protocols/batch/index.d.ts",
  "dist/adapters/index.js",
  "examples/demo.yaml",
  "systemd/weir.service",
];
const UNWANTED = /^(src|test|bench|scripts|dist\/(test|bench))\/|^adapters\/.*\.ts$|^\.|\.(tgz|log|key|pem)$/;

/**
 * Packs, installs production dependencies only and without one install script, and runs the command from there.
 *
 * @param {string} root
 * @param {string} folder a temporary one
 */
export function* checkPackage(root, folder) {
  const packed = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: root }),
  );
  /** @type {string[]} */
  const files = packed[0].files.map((/** @type {{ path: string }} */ file) => file.path);
  const missing = WANTED.filter((path) => !files.includes(path));
  const odd = files.filter((path) => UNWANTED.test(path));
  if (missing.length > 0) throw new Error(`the package lacks ${missing.join(", ")}`);
  if (odd.length > 0) throw new Error(`the package holds what it should not: ${odd.join(", ")}`);
  yield `${files.length} files, ${Math.round(packed[0].size / 1000)} kB packed`;

  run("tar", ["-xzf", join(folder, packed[0].filename), "-C", folder]);
  const installed = join(folder, "package");
  for (const file of ["package-lock.json", ".npmrc"]) copyFileSync(join(root, file), join(installed, file));
  run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: installed });
  if (existsSync(join(installed, "node_modules", "typescript")))
    throw new Error("npm ci --omit=dev brought typescript");
  // The one native part: it must load from its prebuilt file, since no install script ran.
  run(
    execPath,
    ["-e", "new (require('serialport').SerialPort)({ path: '/dev/null', baudRate: 9600, autoOpen: false })"],
    {
      cwd: installed,
    },
  );
  yield "npm ci --omit=dev --ignore-scripts, and serialport's binding loads";

  const main = join(installed, "dist", "src", "main.js");
  if (!run(execPath, [main, "--help"], { cwd: folder }).includes("weir")) throw new Error("weir --help says nothing");
  run(execPath, [main, "check", join(installed, "examples", "demo.yaml")], { cwd: folder });
  yield "weir --help and weir check examples/demo.yaml run from it";

  const decode =
    'import { decodeBatch } from \'weir/batch\'; console.log(decodeBatch(Buffer.from(\'[{"topic":"a","text":"b"}]\')).messages[0].topic)';
  if (run(execPath, ["--input-type=module", "-e", decode], { cwd: installed }).trim() !== "a")
    throw new Error("weir/batch decodes nothing");
  yield "weir/batch is exported";
}
