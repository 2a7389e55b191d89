import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bundledFolder, listProfiles, loadProfile, ProfileError } from "../../../src/profile/index.js";

const PROFILE = `vendor: Acme
model: T1
resources: { t: { unit: Cel } }
serial:
  framing: { line: {} }
  messages: { m: { text: { pattern: '(?<t>[0-9]+)' } } }
`;

const folder = mkdtempSync(join(tmpdir(), "weir-profile-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "acme"));
mkdirSync(join(folder, "plantower"));
writeFileSync(join(folder, "acme", "t1.yaml"), PROFILE);
writeFileSync(join(folder, "acme", "notes.txt"), "not a profile");
writeFileSync(join(folder, "plantower", "pms5003.yaml"), PROFILE.replace("Acme", "Ours"));
writeFileSync(join(folder, "large.yaml"), `# ${"x".repeat(300 * 1024)}\n${PROFILE}`);

function message(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof ProfileError);
    assert.equal(error.code, "PROFILE_INVALID");
    return error.message;
  }
  return "";
}

test("a profile by its name, from the first folder that has it", () => {
  assert.equal(loadProfile("acme/t1", [folder, bundledFolder]).vendor, "Acme");
  assert.equal(loadProfile("plantower/pms5003", [folder, bundledFolder]).vendor, "Ours");
  const bundled = loadProfile("plantower/pms5003", [bundledFolder, folder]);
  assert.equal(bundled.vendor, "Plantower");
  assert.equal(bundled.name, "plantower/pms5003");
  assert.equal(bundled.resources.get("pm2_5")?.unit, "ug/m3");
});

test("a profile by its file", () => {
  const profile = loadProfile(join(folder, "acme", "t1.yaml"), []);
  assert.equal(profile.name, "t1");
  assert.deepEqual(profile.resources.get("t"), { type: "number", access: "R", unit: "Cel" });
});

test("a profile that is not there", () => {
  assert.equal(
    message(() => loadProfile("acme/t2", [folder])),
    `acme/t2: no such profile in ${folder}. Did you mean acme/t1?`,
  );
  assert.equal(
    message(() => loadProfile("zzzz/yyyy", [])),
    "zzzz/yyyy: no such profile in no folder.",
  );
  assert.match(
    message(() => loadProfile("./none.yaml", [folder])),
    /^\.\/none\.yaml: cannot be read: ENOENT/,
  );
  assert.match(
    message(() => loadProfile("acme/t1", [join(folder, "nowhere")])),
    /no such profile/,
  );
});

test("a name does not leave its folder", () => {
  for (const name of ["../acme/t1", "acme/../acme/t1", "/acme/t1", "acme//t1", "", ".", "acme/t1\0"]) {
    assert.match(
      message(() => loadProfile(name, [folder])),
      /no such profile/,
      JSON.stringify(name),
    );
  }
});

test("a file that is too large, or none", () => {
  assert.match(
    message(() => loadProfile(join(folder, "large.yaml"), [])),
    /is larger than 256 KiB$/,
  );
  mkdirSync(join(folder, "folder.yaml"));
  assert.match(
    message(() => loadProfile(join(folder, "folder.yaml"), [])),
    /is not a file|cannot be read/,
  );
});

test("all profiles of some folders, each name once", () => {
  const names = listProfiles([folder, bundledFolder]).map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(names, [...names].sort());
  assert.ok(names.includes("acme/t1") && names.includes("generic/text-line") && names.includes("large"));
  const ours = listProfiles([folder, bundledFolder]).find(({ name }) => name === "plantower/pms5003");
  assert.equal(ours?.file, join(folder, "plantower", "pms5003.yaml"));
  assert.deepEqual(listProfiles([join(folder, "nowhere")]), []);
});
