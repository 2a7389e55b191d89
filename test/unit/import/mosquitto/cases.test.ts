/**
 * A folder of test/cases/import is a test: what becomes of `mosquitto.conf` equals `expected.yaml`, and what there is to say
 * of it `notes.txt`. WEIR_UPDATE_CASES=1 writes both anew, to be read before they are committed.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { importCase, importCases } from "../../../support/import-case.js";

for (const { name, folder } of importCases()) {
  test(`import case ${name}`, () => {
    // Without the loader: what the lines become, before it has the last word.
    const { yaml, notes } = importCase(folder, () => []);
    const files = [
      [join(folder, "expected.yaml"), yaml],
      [join(folder, "notes.txt"), notes],
    ] as const;
    for (const [file, text] of files) {
      if (process.env["WEIR_UPDATE_CASES"] === "1") writeFileSync(file, text);
      else assert.equal(text, readFileSync(file, "utf8"));
    }
  });
}
