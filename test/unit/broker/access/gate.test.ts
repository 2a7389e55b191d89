import assert from "node:assert/strict";
import { test } from "node:test";
import type { Credentials, Identity, Verdict } from "../../../../src/broker/access/access.js";
import { createGate, type GateOptions } from "../../../../src/broker/access/gate.js";
import { Throttle } from "../../../../src/broker/access/throttle.js";
import { Passwords } from "../../../../src/broker/access/users/passwords.js";
import { Turns } from "../../../../src/broker/access/users/turns.js";
import { parseUsers } from "../../../../src/broker/access/users/users-file.js";
import { ANNA, hmacKey, NOW, tokenFor } from "./rig.js";

const LOCAL: Credentials = {
  clientId: "c1",
  username: undefined,
  password: undefined,
  listener: "tcp://127.0.0.1:1883",
  local: true,
  address: "127.0.0.1",
  proven: undefined,
};
const REMOTE = { ...LOCAL, local: false, address: "192.0.2.1" };

function gate(options: Partial<GateOptions> = {}) {
  return createGate({
    anonymous: "auto",
    passwords: undefined,
    tokens: undefined,
    byOrigin: new Throttle({ burst: 20, every: 6_000 }),
    now: () => NOW,
    trusted: () => true,
    ticks: () => 0,
    ...options,
  });
}

function users(): Passwords {
  const byOrigin = new Throttle({ burst: 20, every: 6_000 });
  return new Passwords(parseUsers(ANNA).users, {
    turns: new Turns({ running: 2, places: 64 }),
    ticks: () => 0,
    byOrigin,
  });
}

const tokens = (from: "password" | "username" = "password"): GateOptions["tokens"] => ({
  rules: { from, user: "sub", verify: {}, leeway: 0 },
  key: () => hmacKey(),
});

function outcome(verdict: Verdict | Promise<Verdict>): string {
  assert.ok(!(verdict instanceof Promise), "it comes at once");
  return verdict.ok ? `ok ${verdict.identity.user}` : verdict.reason;
}
const waited = async (verdict: Verdict | Promise<Verdict>): Promise<string> => outcome(await verdict);
const secret = (username: string | undefined, password: string): Pick<Credentials, "username" | "password"> => ({
  username,
  password: Buffer.from(password),
});

test("without users: anonymous clients over loopback alone, unless it is said otherwise", () => {
  assert.equal(outcome(gate().authenticate(LOCAL)), "ok undefined");
  assert.equal(outcome(gate().authenticate(REMOTE)), "not_authorized");
  assert.equal(outcome(gate({ anonymous: true }).authenticate(REMOTE)), "ok undefined");
  assert.equal(outcome(gate({ anonymous: false }).authenticate(LOCAL)), "not_authorized");
});

test("a name that nothing could check is nobody's", () => {
  assert.equal(outcome(gate().authenticate({ ...LOCAL, ...secret("admin", "x") })), "ok undefined");
  assert.equal(outcome(gate().authenticate({ ...REMOTE, ...secret("admin", "x") })), "not_authorized");
});

test("with users: a name needs its password, everywhere", async () => {
  const { authenticate } = gate({ passwords: users() });
  assert.equal(await waited(authenticate({ ...REMOTE, ...secret("anna", "right") })), "ok anna");
  assert.equal(await waited(authenticate({ ...LOCAL, ...secret("anna", "wrong") })), "bad_credentials");
  assert.equal(await waited(authenticate({ ...LOCAL, ...secret("nobody", "right") })), "bad_credentials");
  assert.equal(outcome(authenticate({ ...LOCAL, username: "anna" })), "bad_credentials");
  assert.equal(await waited(authenticate({ ...LOCAL, ...secret("", "right") })), "bad_credentials");
  assert.equal(outcome(authenticate(LOCAL)), "ok undefined");
  assert.equal(outcome(authenticate(REMOTE)), "not_authorized");
});

test("what the connection proves needs no password, and no other name", () => {
  const { authenticate } = gate({ passwords: users(), anonymous: false });
  assert.equal(outcome(authenticate({ ...REMOTE, proven: "press-7" })), "ok press-7");
  assert.equal(outcome(authenticate({ ...REMOTE, proven: "press-7", ...secret("press-7", "x") })), "ok press-7");
  for (const name of ["anna", "", "Press-7"])
    assert.equal(outcome(authenticate({ ...LOCAL, proven: "press-7", ...secret(name, "right") })), "not_authorized");
});

test("a token decides alone, wherever it is put", async () => {
  const { authenticate } = gate({ passwords: users(), tokens: tokens() });
  const good = tokenFor({ sub: "tina", exp: NOW / 1_000 + 60 });
  const verdict = await authenticate({ ...REMOTE, ...secret("whoever", good) });
  assert.ok(verdict.ok);
  assert.deepEqual([verdict.identity.user, verdict.identity.until], ["tina", NOW + 60_000]);
  assert.equal(outcome(authenticate({ ...REMOTE, ...secret(undefined, good) })), "ok tina");
  assert.equal(outcome(authenticate({ ...LOCAL, ...secret(undefined, `${good}x`) })), "bad_credentials");
  assert.equal(await waited(authenticate({ ...REMOTE, ...secret("anna", "right") })), "ok anna");
  const byName = gate({ tokens: tokens("username") });
  assert.equal(outcome(byName.authenticate({ ...REMOTE, username: good })), "ok tina");
  assert.equal(outcome(byName.authenticate({ ...LOCAL, ...secret("anna", good) })), "bad_credentials");
});

test("no token is taken by a clock that is not set", () => {
  const { authenticate } = gate({ tokens: tokens(), trusted: () => false });
  const good = tokenFor({ sub: "tina", exp: NOW / 1_000 + 60 });
  assert.equal(outcome(authenticate({ ...REMOTE, ...secret(undefined, good) })), "busy");
});

test("an address that sends wrong tokens is not heard for a while", () => {
  const { authenticate } = gate({ tokens: tokens() });
  const good = tokenFor({ sub: "tina", exp: NOW / 1_000 + 60 });
  for (let n = 0; n < 20; n++)
    assert.equal(outcome(authenticate({ ...REMOTE, ...secret("a", `${good}x`) })), "bad_credentials");
  assert.equal(outcome(authenticate({ ...REMOTE, ...secret("a", good) })), "busy");
  assert.equal(outcome(authenticate({ ...LOCAL, ...secret("a", good) })), "ok tina");
});

test("who would not be let in any more", async () => {
  const passwords = users();
  let key = hmacKey();
  const { authenticate, revoked } = gate({ passwords, tokens: { rules: tokens()?.rules ?? fail(), key: () => key } });
  const identityOf = async (of: Partial<Credentials>): Promise<Identity> => {
    const verdict = await authenticate({ ...LOCAL, ...of });
    return verdict.ok ? verdict.identity : fail();
  };
  const anna = await identityOf(secret("anna", "right"));
  const tina = await identityOf(secret("x", tokenFor({ sub: "tina", exp: NOW / 1_000 + 60 })));
  const [proven, nobody] = [await identityOf({ proven: "p" }), await identityOf({})];
  const copied: Identity = { user: "anna", clientId: "c1", listener: anna.listener };
  const all = () => [anna, tina, proven, nobody, copied].map(revoked);
  assert.deepEqual(all(), [false, false, false, false, true]);
  passwords.replace(parseUsers("").users);
  assert.deepEqual(all(), [true, false, false, false, true]);
  key = hmacKey("another secret of thirty-two bytes");
  assert.deepEqual(all(), [true, true, false, false, true]);
});

function fail(): never {
  throw new Error("not let in");
}

test("what is told of a refusal holds nothing that the client sent", async () => {
  const { authenticate } = gate({ passwords: users(), tokens: tokens() });
  const bad = tokenFor({ sub: "hunter2", exp: 1 });
  for (const one of [secret("hunter2", "hunter2"), secret("x", bad), secret("hunter2", "eyJ.hunter2.hunter2")]) {
    const verdict = await authenticate({ ...REMOTE, ...one });
    assert.ok(!verdict.ok && !verdict.detail.includes("hunter2"));
  }
});
