import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../../../../..");

test("the package exports it as weir/batch", () => {
  const code = `
    import { BatchError, DICTIONARY, MAX_BYTES, compressionAvailable, decodeBatch, encodeBatch } from "weir/batch";
    const message = { topic: "a", payload: Buffer.from("b"), qos: 0, retain: false };
    const { messages } = decodeBatch(encodeBatch([message], { format: "json", compression: "zlib" }));
    console.log(messages[0].topic, BatchError.name, DICTIONARY.length, MAX_BYTES, compressionAvailable("zlib"));`;
  // A package may import itself by its name, and gets what others get.
  const ran = spawnSync(process.execPath, ["--input-type=module", "-e", code], { cwd: ROOT, encoding: "utf8" });
  assert.equal(ran.stderr, "");
  assert.equal(ran.stdout, "a BatchError 1116 1048576 true\n");
});
