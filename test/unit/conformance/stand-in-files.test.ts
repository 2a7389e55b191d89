import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { confOfPort, readConf } from "../../conformance/mosquitto-conf.js";
import { stateFolder } from "../../conformance/stand-in-files.js";

test("state is kept for as long as the file that stands for it", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-stand-in-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "mosquitto.db");
  const kept = readConf(`listener 1\npersistence true\npersistence_file ${file}\n`);
  const first = stateFolder(folder, kept);
  assert.equal(stateFolder(folder, kept), first);
  rmSync(file);
  assert.notEqual(stateFolder(folder, kept), first);

  const plain = confOfPort(1);
  assert.notEqual(stateFolder(folder, plain), stateFolder(folder, plain));
  const off = readConf(`listener 1\npersistence_file ${file}\n`);
  assert.notEqual(stateFolder(folder, off), stateFolder(folder, off));
});
