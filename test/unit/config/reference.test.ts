import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { adapters } from "../../../adapters/index.js";
import { referencePage, schemaFile } from "../../../src/config/index.js";

/** The files on disk are what the schema says, with the real adapters. */
function onDisk(name: string): string {
  return readFileSync(new URL(`../../../../docs/reference/${name}`, import.meta.url), "utf8");
}

test("docs/reference/configuration.md is current", () => {
  assert.equal(
    onDisk("configuration.md"),
    referencePage(adapters),
    "run: npx weir schema reference > docs/reference/configuration.md",
  );
});

test("docs/reference/weir.schema.json is current", () => {
  assert.equal(
    onDisk("weir.schema.json"),
    schemaFile(adapters),
    "run: npx weir schema config > docs/reference/weir.schema.json",
  );
});
