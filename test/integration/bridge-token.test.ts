import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.js";
import { count, startGatewayWith } from "../support/gateway.js";
import { connectClient } from "../support/mqtt.js";
import { type ScriptedUpstream, startScriptedUpstream } from "../support/scripted-upstream.js";

/** A file with a token, and a way to renew it: whole or not at all. */
function tokenFile(t: TestContext, first: string): { path: string; renew(token: string): void } {
  const folder = mkdtempSync(join(tmpdir(), "weir-token-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "token");
  const renew = (token: string): void => {
    writeFileSync(`${path}.new`, `${token}\n`);
    renameSync(`${path}.new`, path);
  };
  renew(first);
  return { path, renew };
}

/** What came as the password of the bridge itself, without its probes and the clean start of its first life. */
function passwords({ connects }: ScriptedUpstream): (string | undefined)[] {
  return connects
    .filter(({ clientId, clean }) => clientId === "weir-g-up" && clean !== true)
    .map(({ password }) => password?.toString());
}

function bridge({ url }: ScriptedUpstream, path: string): string {
  return `[{ id: up, url: "${url}", username: u, passwordFile: ${path}, backoff: { min: 10ms, max: 100ms } }]`;
}

test("the password is read anew for every connection", async (t) => {
  const token = tokenFile(t, "first");
  let valid = "first";
  const upstream = await startScriptedUpstream(t, {
    welcome: ({ password }) => password?.toString() === valid,
    answer: ({ payload }) => (payload === "go away" ? "close" : "acknowledge"),
  });
  const lines: string[] = [];
  const gateway = await startGatewayWith(t, bridge(upstream, token.path), { log: (line) => lines.push(line) });
  await eventually(() => count(gateway, "bridge_up") === 1, "the first is taken");
  valid = "second";
  const client = await connectClient(t, gateway.listeners[0]);
  await client.publishAsync("weir/n", "go away");
  await eventually(() => lines.some((line) => line.includes("bridge_error")), "the old one is refused");
  assert.match(lines.find((line) => line.includes("bridge_error")) ?? "", /user name or password is wrong/);
  token.renew("second");
  await eventually(() => count(gateway, "bridge_up") === 2, "the second is taken");
  assert.equal(passwords(upstream)[0], "first");
  assert.equal(passwords(upstream).at(-1), "second");
});

test("a token that is renewed leads to a new connection with it", async (t) => {
  const token = tokenFile(t, "first");
  const upstream = await startScriptedUpstream(t);
  const gateway = await startGatewayWith(t, bridge(upstream, token.path));
  await eventually(() => count(gateway, "bridge_up") === 1, "the bridge is up");
  token.renew("second");
  await eventually(() => count(gateway, "bridge_up") === 2, "it has connected anew");
  assert.deepEqual(passwords(upstream), ["first", "second"]);
  assert.equal(count(gateway, "bridge_renewed"), 1);
  assert.equal(count(gateway, "bridge_down"), 0);
});
