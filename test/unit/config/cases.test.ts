import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ConfigError, checkConfig, formatProblem, loadConfig } from "../../../src/config/index.js";
import { adapters, profiles } from "./fixtures.js";

/** A folder is a test: `weir.yaml`, and exactly the lines that it must give. `options.json` has variables and `--set` arguments. */
const folder = fileURLToPath(new URL("../../../../test/cases/config/", import.meta.url));
const optionsSchema = z.strictObject({ env: z.record(z.string(), z.string()), set: z.array(z.string()) });

function linesOf(name: string): string {
  const file = join(folder, name, "weir.yaml");
  const optionsFile = join(folder, name, "options.json");
  const options = existsSync(optionsFile)
    ? optionsSchema.parse(JSON.parse(readFileSync(optionsFile, "utf8")))
    : { env: {}, set: [] };
  let lines: string;
  try {
    const loaded = loadConfig({ file, ...options, adapters, hostname: "plant" });
    lines = checkConfig(loaded, profiles).map(formatProblem).join("\n");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    lines = error.format();
  }
  // Files are named by their whole path; a case does not know where it lies.
  return lines.replaceAll(join(folder, name, "/"), "");
}

for (const name of readdirSync(folder)) {
  test(`config case ${name}`, () => {
    const expected = readFileSync(join(folder, name, "errors.txt"), "utf8").trimEnd();
    const lines = linesOf(name);
    assert.equal(lines, expected);
    assert.ok(!lines.includes("hunter2"), "a secret is in the message");
  });
}
