import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bundledFolder, parseProfile, profileJsonSchema, runSamples, simulation } from "../../../src/profile/index.js";

const GUIDE = readFileSync(join(bundledFolder, "..", "docs", "guide", "profiles.md"), "utf8");

/** The YAML blocks that are whole files: they say so in their first line. */
const FILES = [...GUIDE.matchAll(/```yaml\n# file: (\S+)\n([\s\S]*?)```/g)].map(([, file = "", text = ""]) => ({
  file,
  text,
}));

/** A JSON Schema as far as this test looks into it. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly not?: unknown;
}

/** Every key of every object, with what describes it. */
function keysOf(schema: Schema, path = ""): { path: string; key: string; description: string | undefined }[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    value.not === undefined
      ? [{ path: `${path}.${key}`, key, description: value.description }, ...keysOf(value, `${path}.${key}`)]
      : [],
  );
  const { additionalProperties: rest, items, anyOf = [] } = schema;
  const inner = [...(typeof rest === "object" ? [rest] : []), ...(items === undefined ? [] : [items]), ...anyOf];
  return [...own, ...inner.flatMap((part) => keysOf(part, path))];
}

test("the guide's profiles are sound, their samples pass, and they can be simulated", () => {
  assert.equal(FILES.length, 3);
  for (const { file, text } of FILES) {
    const profile = parseProfile(text, { file, name: file });
    const results = runSamples(profile);
    assert.ok(results.length > 0);
    for (const { name, problem } of results) assert.equal(problem, undefined, `${file}: ${name}`);
    if (profile.simulate !== undefined) assert.ok((simulation(profile, 1)?.values(0).size ?? 0) > 0);
  }
});

test("every key of the schema says what it is, and stands in the guide", () => {
  const keys = keysOf(profileJsonSchema() as Schema);
  assert.ok(keys.length > 100);
  // The parts of a range, a place and a generator are said once for all that have them.
  assert.deepEqual(
    keys.filter(({ description }) => description === undefined).map(({ path }) => path),
    [],
  );
  const missing = keys.filter(({ key }) => !new RegExp(`\\b${key}\\b`).test(GUIDE)).map(({ path }) => path);
  assert.deepEqual(missing, []);
});
