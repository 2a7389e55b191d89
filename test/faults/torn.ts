import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";

/** Of the built tests: what is killed, torn and refused on a disk that is played, at every byte and every call, beside a model. */
const FILES = [
  "fuzz/outbox.test.js",
  "unit/outbox/log/kill.test.js",
  "unit/outbox/log/recovery.test.js",
  "unit/outbox/log/faults.test.js",
  "unit/bridge/session/crash.test.js",
  "unit/bridge/session/faults.test.js",
  "unit/bridge/session/kill.test.js",
];

export interface TornWrites {
  readonly passed: number;
  /** The output of the tests, if one failed. */
  readonly failure: string | undefined;
}

/** Torn writes, power cuts, full and failing disks under the outbox and the sessions. The seed is the models'. */
export function tornWrites(seed: number): Promise<TornWrites> {
  const root = join(import.meta.dirname, "..");
  const there = new Set(readdirSync(root, { recursive: true, encoding: "utf8" }));
  const gone = FILES.filter((file) => !there.has(file));
  if (gone.length > 0) throw new Error(`no such tests: ${gone.join(", ")}`);
  const files = FILES.map((file) => join(root, file));
  // As a test runner of its own: within another one it would report to that.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve) => {
    const settings = { env: { ...env, WEIR_SEED: String(seed) }, maxBuffer: 64 * 1024 * 1024 };
    execFile(execPath, ["--test", "--test-reporter=tap", ...files], settings, (error, stdout, stderr) => {
      const passed = Number(/^# pass (\d+)$/m.exec(stdout)?.[1] ?? 0);
      resolve({ passed, failure: error === null && passed > 0 ? undefined : `${stdout}\n${stderr}` });
    });
  });
}
