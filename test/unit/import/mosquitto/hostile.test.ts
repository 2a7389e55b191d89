/** A mosquitto.conf may be anything: it is read within bounds, and what is wrong is said. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import { parseDocument } from "yaml";
import { ConfigError } from "../../../../src/config/index.js";
import { formatNote, type Imported, importMosquitto } from "../../../../src/import/mosquitto/index.js";

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weir-import-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function importBytes(folder: string, bytes: string | Uint8Array): Imported {
  const file = join(folder, "m.conf");
  writeFileSync(file, bytes);
  return importMosquitto(file, () => []);
}

function refusal(folder: string, bytes: string | Uint8Array): string {
  try {
    importBytes(folder, bytes);
    return "none";
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.replace(`${folder}/`, "");
  }
}

test("what cannot be read is said with its reason", (t) => {
  const folder = folderFor(t);
  assert.equal(refusal(folder, Buffer.alloc(1024 * 1024 + 1, "#")), "m.conf: the file is larger than 1048576 bytes");
  assert.equal(refusal(folder, Buffer.from([0xff, 0xfe, 0x00])), "m.conf: the file is not UTF-8 text");
  assert.equal(refusal(folder, "a b\n".repeat(20_001)), "m.conf: there are more than 20000 settings");
  assert.throws(() => importMosquitto(join(folder, "none.conf"), () => []), /the file does not exist/);
  mkdirSync(join(folder, "many"));
  for (let n = 0; n < 257; n++) writeFileSync(join(folder, "many", `${n}.conf`), "");
  assert.equal(refusal(folder, "include_dir many\n"), "m.conf: include_dir brings more than 256 files");
});

test("an included file that cannot be read is an error, and the rest is imported", (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, "d"));
  writeFileSync(join(folder, "d", "1.conf"), Buffer.from([0xff]));
  writeFileSync(join(folder, "d", "2.conf"), "connection two\naddress a.example\ntopic # out 1\n");
  const { yaml, notes } = importBytes(folder, "include_dir d\n");
  assert.match(yaml, /id: two/);
  assert.ok(notes.some((note) => formatNote(note).endsWith("1.conf: error: the file is not UTF-8 text")));
});

test("a note has one line without control characters, however long the setting", (t) => {
  const long = "x".repeat(100_000);
  const { notes } = importBytes(
    folderFor(t),
    `connection a\u001b[31m\naddress ${long}:0 b\u0007.example\ntopic ${long} out 1 ${long} y\n${long} 1\ntopic a\u0000b out 1\n`,
  );
  for (const note of notes) {
    const line = formatNote(note);
    assert.ok(line.length < 600, `${line.length} characters`);
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f]/);
  }
  assert.ok(notes.length >= 4);
});

const word = fc.constantFrom(
  ...["connection", "listener", "topic", "address", "port", "bridge_cafile", "restart_timeout", "remote_password", "#"],
  ...[
    "out",
    "in",
    "both",
    "1",
    '""',
    "a/",
    "/",
    "$SYS/",
    `\${x}`,
    "'",
    "\t",
    " ",
    "\r",
    "\n",
    "\n",
    "\n",
    "\u0000",
    "é",
    "host:1",
  ],
);

test("any text gives YAML and notes, or is refused", (t) => {
  const folder = folderFor(t);
  const text = fc
    .array(fc.oneof(word, word, fc.string({ maxLength: 5 })), { maxLength: 60 })
    .map((all) => all.join(" "));
  fc.assert(
    fc.property(text, (conf) => {
      const { yaml } = importBytes(folder, conf);
      assert.deepEqual(parseDocument(yaml).errors, []);
    }),
    { numRuns: 300 },
  );
});
