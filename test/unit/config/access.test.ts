import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkConfig, formatProblem, loadConfig, mergeAccess } from "../../../src/config/index.js";
import { adapters, profiles } from "./fixtures.js";

function load(file: string, text: string) {
  return loadConfig({ file, text, env: {}, set: [], adapters, hostname: "plant" });
}

test("paths begin at the configuration file; secrets that others can read are warned of", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-config-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["users", "secret", "acl"]) {
    writeFileSync(join(folder, name), "");
    chmodSync(join(folder, name), 0o644);
  }
  const text = "broker: { users: users, aclFile: acl, jwt: { algorithm: HS256, keyFile: secret } }";
  const loaded = load(join(folder, "weir.yaml"), text);
  const { users, aclFile, jwt, anonymous, acl } = loaded.config.broker;
  assert.deepEqual(
    [users, aclFile, jwt?.keyFile],
    ["users", "acl", "secret"].map((name) => join(folder, name)),
  );
  assert.deepEqual([anonymous, acl], ["auto", undefined]);
  assert.deepEqual([jwt?.from, jwt?.user, jwt?.leeway, jwt?.verify], ["password", "sub", 30_000, {}]);
  const lines = () => checkConfig(load(join(folder, "weir.yaml"), text), profiles).map(formatProblem);
  const warning = (name: string) =>
    `warning: the file ${join(folder, name)} can be read by others than its owner: chmod 600`;
  const told = lines();
  assert.equal(told.length, 2);
  assert.ok(told[0]?.endsWith(warning("users")) && told[1]?.endsWith(warning("secret")));
  for (const name of ["users", "secret"]) chmodSync(join(folder, name), 0o600);
  assert.deepEqual(lines(), []);
});

test("a public key may be read by all", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-config-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "key"), "");
  chmodSync(join(folder, "key"), 0o644);
  const loaded = load(join(folder, "weir.yaml"), "broker: { jwt: { algorithm: ES256, keyFile: key } }");
  assert.deepEqual(checkConfig(loaded, profiles), []);
});

test("a listener's own settings replace the broker's, and its rules replace both kinds", () => {
  assert.deepEqual(
    mergeAccess(
      { anonymous: "auto", users: "/u", acl: { rules: [], default: "deny" } },
      { aclFile: "/a", anonymous: false },
    ),
    {
      anonymous: false,
      users: "/u",
      aclFile: "/a",
    },
  );
  assert.deepEqual(mergeAccess({ anonymous: "auto", aclFile: "/a" }, { users: "/v" }), {
    anonymous: "auto",
    aclFile: "/a",
    users: "/v",
  });
});
