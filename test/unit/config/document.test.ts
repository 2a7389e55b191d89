import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { readDocument } from "../../../src/config/document.js";
import { ConfigError } from "../../../src/config/index.js";
import { load } from "./fixtures.js";

test("values and keys know their places", () => {
  const document = readDocument('a:\n  b: [1, "x"]\n  c:\nd: {e: true}\n');
  assert.deepEqual(structuredClone(document.tree), { a: { b: [1, "x"] }, d: { e: true } });
  assert.deepEqual(document.valueAt(["a", "b", 1]), { line: 2, column: 10 });
  assert.deepEqual(document.keyAt(["a", "b"]), { line: 2, column: 3 });
  assert.deepEqual(document.valueAt(["d", "e"]), { line: 4, column: 8 });
  // Left out: the place is that of the key; missing: that of what it is missing in.
  assert.deepEqual(document.valueAt(["a", "c"]), { line: 3, column: 3 });
  assert.deepEqual(document.valueAt(["d", "missing", "deep"]), { line: 4, column: 1 });
  assert.deepEqual(document.valueAt(["nowhere"]), { line: 1, column: 1 });
});

test("an alias stands for its anchor, each time anew", () => {
  const { tree, faults } = readDocument("a: &x {n: 1}\nb: *x\n");
  assert.deepEqual(faults, []);
  assert.deepEqual(structuredClone(tree), { a: { n: 1 }, b: { n: 1 } });
  assert.notEqual(Reflect.get(Object(tree), "a"), Reflect.get(Object(tree), "b"));
});

const MIB = 1024 * 1024;
const hostile: Record<string, string> = {
  "open brackets": "[".repeat(MIB),
  "open braces": "{".repeat(MIB),
  dashes: "- ".repeat(MIB / 2),
  "nested keys": "a: ".repeat(MIB / 3),
  aliases: `a: &a 1\nb: [${"*a,".repeat(MIB / 4)}]`,
  "a large alias many times": `a: &a [${"1,".repeat(5000)}]\nb: [${"*a,".repeat(50_000)}]`,
  "many keys": Array.from({ length: 90_000 }, (_, index) => `k${index}: 1`).join("\n"),
  "many keys of one name": "a: 1\n".repeat(60_000),
  documents: "---\n".repeat(MIB / 4),
  "a long key": `${"a".repeat(MIB - 2)}: `,
  "empty lines": "\n".repeat(MIB),
  quotes: '"'.repeat(MIB),
  "a stair": Array.from({ length: 1400 }, (_, index) => `${" ".repeat(index)}a:`).join("\n"),
};

for (const [name, text] of Object.entries(hostile)) {
  test(`a file of ${name} is refused, not endured`, () => {
    assert.throws(() => load(text), ConfigError);
  });
}

test("a file over 1 MiB is refused", () => {
  assert.throws(() => load("#".repeat(MIB + 1)), /larger than 1048576 bytes/);
});

test("no text gives anything but a configuration or a ConfigError", () => {
  const word = fc.constantFrom(
    ..."devices bridges broker listeners id adapter address serial coap resources report on every change topic rules".split(
      " ",
    ),
    ...`simulate profile log level gateway prefix defaults format object url mqtt://a tcp://b:1 \${env:A} \${file:b} $\${`.split(
      " ",
    ),
    ..."__proto__ constructor *a &a !b ? | > --- ... % @ ` \t # 7 -1 .inf .nan 0x7 ~ null true 1e999 \u0000 \ud800 \u2028".split(
      " ",
    ),
  );
  const sign = fc.constantFrom(": ", "\n", "\n  ", "\n    ", "- ", "[", "]", "{", "}", ", ", '"', "'", " ");
  const yaml = fc
    .array(fc.oneof(word, sign, fc.string({ maxLength: 3 })), { maxLength: 60 })
    .map((parts) => parts.join(""));
  const text = fc.oneof(yaml, fc.string({ unit: "binary", maxLength: 200 }));
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 2 }), (file, values) => {
      try {
        const set = values.flatMap((value) => [value, `devices.0.address=${value}`, `defaults.${value}`]);
        load(file, { set }).redacted();
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
        assert.ok(error.problems.length > 0);
        for (const line of error.format().split("\n")) assert.match(line, /^(weir\.yaml:\d+:\d+|--set)/);
      }
    }),
    { numRuns: 500 },
  );
});

test("no tree of the right keys gives anything but a configuration or a ConfigError", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.double(), fc.constant(null), fc.constant([]));
  const key = fc.constantFrom(
    ..."devices bridges broker listeners id adapter address resources report on topic rules qos stale".split(" "),
    ..."simulate profile log level gateway prefix defaults format url outbox tls adapters serial coap constructor".split(
      " ",
    ),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.dictionary(key, tie("tree"), { maxKeys: 8 }),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, tree), (file) => {
      try {
        load(JSON.stringify(file));
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
