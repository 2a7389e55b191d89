import assert from "node:assert/strict";
import { test } from "node:test";
import { readTokenAcl, tokenRules } from "../../../../../src/broker/access/acl/claim.js";
import { type ConfiguredRule, configuredRules } from "../../../../../src/broker/access/acl/configured.js";
import { fill } from "../../../../../src/broker/access/acl/placeholders.js";
import { allows } from "../../../../../src/broker/access/acl/rules.js";

const WHOM = { user: "anna", clientId: "c1", listener: "tcp://0.0.0.0:1883" };

function rulesOf(...rules: ConfiguredRule[]) {
  return (whom: Partial<typeof WHOM> | { user: undefined }) =>
    configuredRules({ rules, default: "deny" }, { ...WHOM, ...whom });
}

test("a rule is about whom its patterns fit", () => {
  const of = rulesOf(
    { allow: "all", user: "ann*", listener: "tcp://*", topics: ["a/#"] },
    { allow: "publish", client: "sensor-*", topics: ["b"] },
    { allow: "subscribe", user: "*", topics: ["c"] },
  );
  assert.ok(allows(of({}), "publish", "a/x"));
  assert.ok(!allows(of({ user: "bob" }), "publish", "a/x"));
  assert.ok(!allows(of({ listener: "ws://127.0.0.1:8083" }), "publish", "a/x"));
  assert.ok(allows(of({ clientId: "sensor-1" }), "publish", "b"));
  assert.ok(!allows(of({ clientId: "sensor-1" }), "receive", "b"));
  assert.ok(allows(of({ user: "bob" }), "receive", "c"));
  assert.ok(!allows(of({ user: undefined }), "receive", "c"), "* is everyone with a name");
});

test("placeholders are filled in once, and never widen", () => {
  assert.deepEqual(fill("a/%u/%c", { user: "%c", clientId: "x" }), { filter: "a/%c/x" });
  assert.deepEqual(fill("a/$&/%c", { user: "u", clientId: "$&" }), { filter: "a/$&/$&" });
  assert.equal(fill("a/%u", { user: undefined, clientId: "x" }), "none");
  for (const clientId of ["", "+", "#", "a/b", "a+"]) assert.equal(fill("a/%c", { user: "u", clientId }), "unsafe");
  assert.equal(fill("%c/#", { user: "u", clientId: "$SYS" }), "unsafe");
  assert.deepEqual(fill("$x/%c", { user: "u", clientId: "a" }), { filter: "$x/a" });
});

test("an unsafe name gains nothing where a rule allows, and loses all where it denies", () => {
  const of = rulesOf({ deny: "publish", topics: ["x/%c/private"] }, { allow: "all", topics: ["#"] });
  assert.ok(allows(of({}), "publish", "y"));
  assert.ok(!allows(of({}), "publish", "x/c1/private"));
  assert.ok(!allows(of({ clientId: "+" }), "publish", "y"));
  assert.ok(allows(of({ clientId: "+" }), "receive", "y"));
  const own = rulesOf({ allow: "all", topics: ["x/%c/#"] });
  assert.ok(!allows(own({ clientId: "+" }), "publish", "x/c1/a"));
});

test("a token's acl in the shape of EMQX, and nothing else", () => {
  const acl = readTokenAcl({ pub: ["up/%u"], sub: [`down/${"$"}{clientid}/#`], all: ["both"] });
  assert.ok(acl);
  const list = { rules: tokenRules(acl, WHOM), otherwise: "deny" as const };
  assert.ok(allows(list, "publish", "up/anna") && !allows(list, "receive", "up/anna"));
  assert.ok(allows(list, "subscribe", "down/c1/x") && !allows(list, "publish", "down/c1/x"));
  assert.ok(allows(list, "publish", "both") && allows(list, "receive", "both"));
  const wrong = [null, [], "all", { pub: "a" }, { pub: [1] }, { pub: ["a#"] }, { publish: [] }, { pub: [""] }];
  for (const claim of [...wrong, JSON.parse('{"__proto__": ["#"]}'), { all: Array.from({ length: 257 }, () => "a") }])
    assert.equal(readTokenAcl(claim), undefined, JSON.stringify(claim));
});
