import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { adapters } from "../../../adapters/index.js";
import { ConfigError, checkConfig, formatProblem } from "../../../src/config/index.js";
import { bundledFolder, loadProfile } from "../../../src/profile/index.js";
import { load } from "./fixtures.js";

/** What a user copies must be sound, with the real adapters and the bundled profiles. */
const root = new URL("../../../../", import.meta.url);

function problemsOf(text: string, file: string): string[] {
  try {
    const loaded = load(text, { file, adapters });
    const resourcesOf = (profile: string) => [...loadProfile(profile, [bundledFolder]).resources.keys()];
    return checkConfig(loaded, { resourcesOf }).map(formatProblem);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
}

test("examples/weir.yaml is sound", () => {
  const file = fileURLToPath(new URL("examples/weir.yaml", root));
  assert.deepEqual(problemsOf(readFileSync(file, "utf8"), file), []);
});

test("what examples/weir.yaml shows switched off is sound as well", () => {
  const file = fileURLToPath(new URL("examples/weir.yaml", root));
  const text = readFileSync(file, "utf8")
    .replace(/^# (?=(bridges|adapters| {2}).*)/gm, "")
    .replace(/^(\s+)# (?=(id|format|retain|report|stale): )/gm, "$1");
  assert.match(text, /^bridges:\n {2}- id: cloud$/m);
  assert.match(text, /^ {2}stale: 5m/m);
  const missing = /bridges\[0\]\.password: the file \/run\/secrets\/mqtt-password does not exist$/;
  const rest = problemsOf(text, "weir.yaml").filter((line) => !missing.test(line));
  assert.deepEqual(rest, []);
});

for (const page of ["configuration.md", "listeners.md", "broker.md"]) {
  const guide = readFileSync(new URL(`docs/guide/${page}`, root), "utf8");
  const examples = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = ""]) => text);

  test(`docs/guide/${page} has examples`, () => {
    assert.ok(examples.length >= 3);
  });

  for (const [index, text] of examples.entries()) {
    test(`example ${index + 1} of docs/guide/${page} is sound`, () => {
      // Files that are not on this machine, and that an address is open to others.
      const known =
        /\/run\/secrets\/|(tls\.\w+(\[\d\])?|broker\.users): the file .* does not exist$|warning: whoever reaches/;
      const lines = problemsOf(text, "weir.yaml").filter((line) => !known.test(line));
      assert.deepEqual(lines, []);
    });
  }
}
