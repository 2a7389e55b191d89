/** `weir run` as a process: how it ends. */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { startBroker } from "../../support/broker.js";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.js");
/** A process that does not end by itself is what these tests are there to find. In ms. */
const LIMIT = 20_000;

function run(t: TestContext, config: string): ChildProcessByStdio<null, null, Readable> {
  const folder = mkdtempSync(join(tmpdir(), "weir-run-"));
  const file = join(folder, "weir.yaml");
  writeFileSync(file, config);
  writeFileSync(join(folder, "bad.pem"), "not a certificate\n", { mode: 0o600 });
  const child = spawn(process.execPath, [MAIN, "run", file], { stdio: ["ignore", "ignore", "pipe"] });
  t.after(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  return child;
}

async function outcome(child: ChildProcessByStdio<null, null, Readable>): Promise<{ code: unknown; log: string }> {
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const [code] = await once(child, "close", { signal: AbortSignal.timeout(LIMIT) });
  return { code, log };
}

const NOBODY = "broker: { listeners: [tcp://127.0.0.1:0] }\n";

test("an address that is taken ends it, the simulated upstream's as well", async (t) => {
  const holder = await startBroker(t);
  const { code, log } = await outcome(run(t, `${NOBODY}simulator: { upstream: "${holder.urls[0]}" }\n`));
  assert.equal(code, 1);
  assert.match(log, /is in use by another program/);
});

test("a bridge that cannot be set up ends it, whatever the others do", async (t) => {
  const bridges = `bridges:
  - { id: one, url: "mqtt://127.0.0.1:1" }
  - { id: two, url: "mqtts://127.0.0.1:2", tls: { cert: bad.pem, key: bad.pem } }
`;
  const { code, log } = await outcome(run(t, NOBODY + bridges));
  assert.equal(code, 1);
  assert.match(log, /bridge two: .*PEM/);
});

test("it runs on when nobody reads its log any more", async (t) => {
  const child = run(t, NOBODY);
  await once(child.stderr, "data", { signal: AbortSignal.timeout(LIMIT) });
  child.stderr.destroy();
  const ended = once(child, "exit", { signal: AbortSignal.timeout(LIMIT) });
  // Stopping writes to the log.
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});
