/** What the import prints is a configuration that the loader takes, as it is, whatever the file was. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { ConfigError, type LoadedConfig, loadConfig } from "../../../../src/config/index.js";
import { formatNote, importMosquitto, type Judge } from "../../../../src/import/mosquitto/index.js";
import { importCase, importCases } from "../../../support/import-case.js";

function load(text: string): LoadedConfig {
  return loadConfig({ file: "weir.yaml", text, env: {}, set: [], adapters: [], hostname: "plant" });
}

const judge: Judge = (text) => {
  try {
    load(text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

function importText(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), "weir-import-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "m.conf");
  writeFileSync(file, text);
  const { yaml, notes } = importMosquitto(file, judge);
  return { yaml, lines: notes.map((note) => formatNote(note).replace(`${folder}/`, "")) };
}

for (const { name, folder } of importCases()) {
  test(`the loader takes all of import case ${name}`, () => {
    const { yaml, notes } = importCase(folder, judge);
    load(yaml);
    assert.equal(yaml, readFileSync(join(folder, "expected.yaml"), "utf8"));
    assert.equal(notes, readFileSync(join(folder, "notes.txt"), "utf8"));
  });
}

test("a password with signs of references and of YAML comes through as it was", () => {
  const { folder } = importCases().find(({ name }) => name === "several") ?? { folder: "" };
  const { config } = load(importCase(folder, judge).yaml);
  assert.equal(config.bridges[0]?.password, `hunter \${2} "x" # 3`);
  assert.equal(config.bridges[1]?.username, '"quoted"');
});

test("rules that are a loop are left out by the line that closes it, the others stay", (t) => {
  const { yaml, lines } = importText(
    t,
    "connection up\naddress a.example\nremote_clientid x\ntopic a/b out 1\ntopic a/# in 1\ntopic c/# out 1\n",
  );
  const { config } = load(yaml);
  assert.deepEqual(
    config.bridges[0]?.rules.map(({ filter }) => filter),
    ["a/b", "c/#"],
  );
  assert.match(lines.join("\n"), /^m\.conf:5: error: this topic line is left out: takes back in/m);
});

test("more than the configuration holds is left out with an error for each, not printed to be refused", (t) => {
  const rules = Array.from({ length: 300 }, (_, n) => `topic t/${n} out 1\n`).join("");
  const connections = Array.from({ length: 20 }, (_, n) => `connection c${n}\naddress a${n}.example\ntopic x out 1\n`);
  const listeners = Array.from({ length: 20 }, (_, n) => `listener ${2000 + n} 127.0.0.1\n`);
  const { yaml, lines } = importText(t, `${listeners.join("")}${connections.join("")}${rules}`);
  const { config } = load(yaml);
  assert.equal(config.bridges.length, 16);
  assert.equal(config.broker.listeners.length, 16);
  assert.ok(lines.filter((line) => line.includes("error:")).length >= 4 + 4);
});
