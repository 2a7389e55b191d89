import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { type TestContext, test } from "node:test";

/** One file of every layer, and the layers that ARCHITECTURE allows it to import. */
const LAYERS: Readonly<Record<string, { file: string; may: string }>> = {
  core: { file: "src/core/deep/er/a.ts", may: "" },
  config: { file: "src/config/a.ts", may: "core" },
  link: { file: "src/link/a.ts", may: "core" },
  outbox: { file: "src/outbox/deep/a.ts", may: "core" },
  clock: { file: "src/clock/a.ts", may: "core" },
  profile: { file: "src/profile/deep/a.ts", may: "core framing senml" },
  framing: { file: "src/protocols/framing/a.ts", may: "senml" },
  senml: { file: "src/protocols/senml/a.ts", may: "framing" },
  router: { file: "src/router/a.ts", may: "outbox link profile config clock core senml" },
  broker: { file: "src/broker/a.ts", may: "outbox link profile config clock core framing senml" },
  bridge: { file: "src/bridge/a.ts", may: "outbox link profile config clock core framing senml" },
  trace: { file: "src/trace/a.ts", may: "outbox link profile config clock core" },
  web: { file: "src/web/deep/a.ts", may: "outbox link profile config clock core" },
  simulator: { file: "src/simulator/a.ts", may: "profile config core framing senml" },
  import: { file: "src/import/deep/a.ts", may: "config core" },
  gateway: {
    file: "src/gateway.ts",
    may: "web bridge broker router trace simulator outbox link profile config clock core framing senml start adapters",
  },
  main: {
    file: "src/main.ts",
    may: "web bridge broker router trace simulator outbox link profile config clock core framing senml start gateway import adapters",
  },
  start: {
    file: "src/check.ts",
    may: "web bridge broker router trace simulator outbox link profile config clock core framing senml gateway",
  },
  adapters: { file: "adapters/index.ts", may: "core profile serial coap" },
  serial: { file: "adapters/serial/a.ts", may: "core profile framing senml" },
  coap: { file: "adapters/coap/deep/a.ts", may: "core profile framing senml" },
};

/** Checks a tree of these files, and gives the lines of what is wrong there. */
async function wrongIn(t: TestContext, files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), "weir-arrows-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  for (const folder of ["src", "adapters"]) await mkdir(join(root, folder));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  const ran = spawnSync(process.execPath, ["scripts/arrows.mjs", root], { encoding: "utf8" });
  const lines = ran.stderr.split("\n").filter((line) => /:\d+: |^\S+: is in no layer/.test(line));
  assert.equal(ran.status, lines.length === 0 ? 0 : 1, ran.stderr);
  return lines;
}

/** How a file of this tree names another. */
function specifier(from: string, to: string): string {
  const path = relative(dirname(from), to).replace(/\.ts$/, ".js");
  return path.startsWith(".") ? path : `./${path}`;
}

test("every arrow that is not allowed is refused, and every other is not", async (t) => {
  const expected: string[] = [];
  const files: Record<string, string> = {};
  for (const [name, { file, may }] of Object.entries(LAYERS)) {
    const targets = Object.entries(LAYERS).filter(([target]) => target !== name);
    files[file] = targets.map(([, target]) => `import "${specifier(file, target.file)}";\n`).join("");
    targets.forEach(([target, { file: path }], index) => {
      const allowed = may.split(" ").includes(target);
      if (!allowed) expected.push(`${file}:${index + 1} ${specifier(file, path)}`);
    });
  }
  const refused = (await wrongIn(t, files)).map((line) => line.replace(/^(\S+): .*\((.*)\)$/, "$1 $2"));
  assert.deepEqual(refused.sort(), expected.sort());
  assert.ok(expected.length > 150, `only ${expected.length} arrows were tried`);
});

for (const [form, text] of [
  ["a type", 'import type { A } from "../router/a.js";'],
  ["an export", 'export { a } from "../router/a.js";'],
  ["everything again", 'export * from "../router/a.js";'],
  ["several lines", 'import {\n  a,\n  b,\n} from "../router/a.js";'],
  ["a dynamic import", 'const a = await import("../router/a.js");'],
  ["a dynamic import over lines", 'const a = await import(\n  "../router/a.js"\n);'],
  ["a type's import", 'type A = import("../router/a.js").A;'],
  ["a detour", 'import "./../core/../router/a.js";'],
] as const) {
  test(`a wrong arrow is seen in the form of ${form}`, async (t) => {
    const lines = await wrongIn(t, { "src/core/a.ts": text, "src/router/a.ts": "" });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /^src\/core\/a\.ts:\d: core must not import router/);
  });
}

test("what cannot be judged is refused: a computed path, a folder of no layer, a file outside", async (t) => {
  const lines = await wrongIn(t, {
    "src/core/a.ts": "const a = await import(name);\n",
    "src/core/b.ts": 'import "../../bench/a.js";\n',
    "src/stuff/a.ts": "",
  });
  assert.match(lines.join("\n"), /src\/core\/a\.ts:1: imports a computed path/);
  assert.match(lines.join("\n"), /src\/core\/b\.ts:1: imports bench\/a\.ts, which is in no layer/);
  assert.match(lines.join("\n"), /src\/stuff\/a\.ts: is in no layer/);
  assert.equal(lines.length, 3);
});

test("packages, and files of the same layer, may be imported", async (t) => {
  const own = 'import "node:fs";\nimport "rxjs";\nimport "../b.js";\nimport "./c/d.js";\n';
  assert.deepEqual(await wrongIn(t, { "src/core/x/a.ts": own, "src/core/b.ts": "", "src/core/x/c/d.ts": "" }), []);
});
