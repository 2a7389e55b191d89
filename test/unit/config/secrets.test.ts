import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { ConfigError, checkConfig, formatProblem } from "../../../src/config/index.js";
import { load, profiles } from "./fixtures.js";

const bridge = (password: string) =>
  `bridges: [{ id: a, url: "mqtt://a", username: u, password: ${JSON.stringify(password)} }]`;

/** A folder with secrets, gone after the test. */
function withFolder(run: (folder: string, file: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "weir-config-"));
  try {
    run(folder, join(folder, "weir.yaml"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function linesOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.format();
    throw error;
  }
  return "";
}

test("variables, defaults and escapes", () => {
  const env = { SECRET: "s3cret", EMPTY: "" };
  const table: [string, string][] = [
    [`\${env:SECRET}`, "s3cret"],
    [`<\${env:SECRET}>`, "<s3cret>"],
    [`\${env:NONE:-other}`, "other"],
    [`\${env:EMPTY:-other}`, "other"],
    [`\${env:NONE:-}x`, "x"],
    [`a$\${env:SECRET}`, `a\${env:SECRET}`],
    ["$$$5", "$$$5"],
  ];
  for (const [text, expected] of table)
    assert.equal(load(bridge(text), { env }).config.bridges[0]?.password, expected, text);
});

test("what a reference becomes is not read again", () => {
  const env = { A: `\${env:B}`, B: "no" };
  assert.equal(load(bridge(`\${env:A}`), { env }).config.bridges[0]?.password, `\${env:B}`);
});

test("a secret file is relative to the configuration, loses its last line end, and is warned of when others may read it", () => {
  withFolder((folder, file) => {
    mkdirSync(join(folder, "secrets"));
    const secret = join(folder, "secrets", "mqtt");
    writeFileSync(secret, "hunter2 \n\n", { mode: 0o600 });
    const text = bridge(`\${file:secrets/mqtt}`);
    const sound = load(text, { file });
    assert.equal(sound.config.bridges[0]?.password, "hunter2 \n");
    assert.deepEqual(sound.warnings, []);
    chmodSync(secret, 0o640);
    const exposed = load(text, { file });
    const lines = checkConfig(exposed, profiles).map(formatProblem);
    const message = "warning: the file secrets/mqtt can be read by others than its owner: chmod 600";
    assert.deepEqual(lines, [`${file}:1:60 bridges[0].password: ${message}`]);
  });
});

test("a secret file that is too large, no text or no file is a problem at its place", () => {
  withFolder((folder, file) => {
    writeFileSync(join(folder, "large"), "x".repeat(65_537));
    writeFileSync(join(folder, "binary"), Uint8Array.of(0xff, 0xfe));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const reason = (name: string) => linesOf(() => load(bridge(`\${file:${name}}`), { file }));
    assert.match(reason("large"), /weir\.yaml:1:60 bridges\[0\]\.password: the file large is larger than 65536 bytes$/);
    assert.match(reason("binary"), /the file binary is not UTF-8 text$/);
    assert.match(reason("pipe"), /the file pipe is not a regular file$/);
    assert.match(reason("none"), /the file none does not exist$/);
  });
});

test("many references to a large file do not fill the memory", () => {
  withFolder((folder, file) => {
    writeFileSync(join(folder, "large"), "x".repeat(65_000), { mode: 0o600 });
    const text = `profiles: [${Array.from({ length: 64 }, () => `"${`\${file:large}`.repeat(500)}"`).join(",")}]`;
    assert.match(
      linesOf(() => load(text, { file })),
      /references become too much text together/,
    );
  });
});

test("no error and no printed configuration shows a secret", () => {
  const env = { SECRET: "hunter2-hunter2" };
  const wrong = [
    `log: { level: "\${env:SECRET}" }`,
    `gateway: { prefix: "\${env:SECRET}/+" }`,
    `broker: { listeners: ["\${env:SECRET}", "tcp://\${env:SECRET}@a", "tcp://a/\${env:SECRET}"] }`,
    `bridges: [{ id: a, url: "mqtt://u:\${env:SECRET}@b" }]`,
    `devices: [{ id: a, adapter: "\${env:SECRET}" }]`,
    `devices: [{ id: a, adapter: serial, address: { path: 1, x: "\${env:SECRET}" } }]`,
    `defaults: { topic: "{\${env:SECRET}}" }`,
    `profiles: ["\${env:SECRET}"]`,
    `devices: [{ id: a, adapter: coap, profile: "\${env:SECRET}", resources: { a: { topic: "weir/a/status" } } }]`,
    `devices: [{ id: "\${env:SECRET}", adapter: coap }, { id: "\${env:SECRET}", adapter: coap }]`,
    `devices: [{ id: a, adapter: coap, topic: "\${env:SECRET}/{resource}" }, { id: b, adapter: coap, topic: "\${env:SECRET}/{resource}" }]`,
  ];
  for (const text of wrong) {
    const lines = linesOf(() => {
      const loaded = load(text, { env });
      throw new ConfigError(checkConfig(loaded, profiles));
    });
    assert.notEqual(lines, "", text);
    assert.ok(!lines.includes("hunter2"), lines);
  }
  for (const set of ["hunter2", "bridges.0.password:hunter2", "log.level=hunter2", "bridges.0.url=hunter2"])
    assert.ok(!linesOf(() => load("", { set: [set] })).includes("hunter2"), set);
});

test("the printed configuration hides what came from outside and what is secret by its name", () => {
  const text = `
gateway: { id: plant-7 }
adapters: { coap: { psk: hunter2 } }
bridges: [{ id: a, url: "mqtt://a", username: "\${env:USER_NAME}", password: hunter2, clientId: "x-\${env:USER_NAME}-y" }]
devices: [{ id: a, adapter: serial, address: "\${env:PORT:-/dev/ttyUSB0}", resources: { t: { qos: 2 } } }]
`;
  const printed = load(text, { env: { USER_NAME: "hunter2" } }).redacted();
  assert.ok(!printed.includes("hunter2"), printed);
  assert.match(printed, /password: "\*\*\*"/);
  assert.match(printed, /username: "\*\*\*"/);
  assert.match(printed, /psk: "\*\*\*"/);
  // A default stands in the file for all to see.
  assert.match(printed, /address: \/dev\/ttyUSB0/);
  assert.match(printed, /id: plant-7/);
});
