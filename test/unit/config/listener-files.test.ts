import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { checkConfig, formatProblem } from "../../../src/config/index.js";
import { load, profiles } from "./fixtures.js";

test("a listener's keys that others may read are told, its certificates are not", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-files-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, mode] of [
    ["cert", 0o644],
    ["open", 0o644],
    ["own", 0o600],
  ] as const)
    writeFileSync(join(folder, name), "", { mode });
  const lines = (tls: string): string[] => {
    const text = `broker: { listeners: [{ url: "tls://127.0.0.1", tls: { cert: cert, ${tls} } }] }`;
    return checkConfig(load(text, { file: join(folder, "weir.yaml") }), profiles).map(formatProblem);
  };
  assert.deepEqual(lines("key: own, psk: own"), []);
  const told = lines("key: open, psk: open");
  assert.equal(told.length, 2);
  for (const line of told)
    assert.match(line, /tls\.(key|psk): warning: the file .*open can be read by others than its owner: chmod 600$/);
});
