// `npm test [-- WORD... | --OPTION...]`: runs the compiled tests with Node's own runner.
// Words choose the files whose path contains one of them (`npm test -- framing coap`); options go to `node --test`.
// The files are listed here because `node --test` takes no globs on Node 20.
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { argv, execPath, exit, stderr } from "node:process";
import { choose, testFiles } from "./testfiles.mjs";

const root = join(import.meta.dirname, "..");
const folder = join(root, "dist", "test");
const words = argv.slice(2).filter((argument) => !argument.startsWith("-"));
const options = argv.slice(2).filter((argument) => argument.startsWith("-"));

const files = choose(testFiles(folder), words);
if (files.length === 0) {
  stderr.write(
    words.length === 0
      ? `test: no *.test.js in ${relative(root, folder)}: run \`npm run build\` first\n`
      : `test: no test file's path contains ${words.join(" or ")}\n`,
  );
  exit(2);
}

// A test that hangs must fail by name instead of hanging the run. In ms, and it bounds a whole file: fuzzing is in some of them.
const timeout = 300_000;
const ran = spawnSync(
  execPath,
  [
    "--enable-source-maps",
    "--test",
    `--test-timeout=${timeout}`,
    `--test-reporter=${join(import.meta.dirname, "reporter.mjs")}`,
    "--test-reporter-destination=stdout",
    ...options,
    ...files.map((file) => join(folder, file)),
  ],
  { cwd: root, stdio: "inherit" },
);
exit(ran.status ?? 1);
