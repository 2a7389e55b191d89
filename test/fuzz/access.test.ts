import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Action } from "../../src/broker/access/access.js";
import { parseAclFile } from "../../src/broker/access/acl/mosquitto.js";
import { allows } from "../../src/broker/access/acl/rules.js";
import { parseKey } from "../../src/broker/access/jwt/key.js";
import { checkToken } from "../../src/broker/access/jwt/tokens.js";
import { parseUsers } from "../../src/broker/access/users/users-file.js";
import { validTopic } from "../../src/core/topics.js";
import { type Random, seeded } from "../support/random.js";
import { ANNA, hmacKey, NOW, tokenFor } from "../unit/broker/access/rig.js";

const ROUNDS = 20_000;

function chance(context: TestContext): Random {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
  context.diagnostic(`WEIR_SEED=${seed} repeats this`);
  return seeded(seed);
}

/** Some bytes changed, taken out or doubled. */
function mutate(random: Random, text: string): string {
  const bytes = [...Buffer.from(text)];
  for (let n = random.between(1, 4); n > 0; n--) {
    const at = random.between(0, bytes.length - 1);
    const kind = random.between(0, 2);
    if (kind === 0) bytes[at] = random.between(0, 255);
    else if (kind === 1) bytes.splice(at, random.between(1, 8));
    else bytes.splice(at, 0, ...bytes.slice(at, at + random.between(1, 8)));
  }
  return Buffer.from(bytes).toString("latin1");
}

const CREDENTIALS = {
  clientId: "c1",
  username: "anna",
  password: undefined,
  listener: "tcp://127.0.0.1:1883",
  local: false,
  address: "192.0.2.1",
  proven: undefined,
};

test("no changed token is taken, and none breaks the reader", (t) => {
  const random = chance(t);
  const token = tokenFor({ sub: "anna", exp: NOW / 1_000 + 60, acl: { pub: ["a"] }, aud: ["x"] });
  const rules = { from: "password", user: "sub", verify: {}, leeway: 0 } as const;
  const key = hmacKey();
  const check = (text: string) => checkToken(Buffer.from(text, "latin1"), CREDENTIALS, { rules, key, now: NOW });
  assert.equal(typeof check(token), "object");
  for (let round = 0; round < ROUNDS; round++) {
    const changed = mutate(random, token);
    if (changed !== token) assert.equal(typeof check(changed), "string", changed);
  }
});

test("claims of every kind, well signed, break nothing", (t) => {
  const random = chance(t);
  const rules = { from: "password", user: "sub", verify: { v: "%c" }, audience: "x", issuer: "y", leeway: 0 } as const;
  const key = hmacKey();
  const value = (depth: number): unknown => {
    const kind = random.between(0, depth > 3 ? 4 : 6);
    if (kind === 5) return Array.from({ length: random.between(0, 3) }, () => value(depth + 1));
    if (kind === 6) return { [random.pick(["pub", "sub", "all", "__proto__", "x"])]: value(depth + 1) };
    return [
      null,
      true,
      random.between(-1e9, 2e9),
      random.next() * 1e300,
      random.pick(["", "x", "y", "c1", "a/#", "a#"]),
    ][kind];
  };
  for (let round = 0; round < ROUNDS; round++) {
    const claims = Object.fromEntries(
      ["sub", "exp", "nbf", "iat", "aud", "iss", "acl", "v"].flatMap((name) =>
        random.chance(0.8) ? [[name, value(0)]] : [],
      ),
    );
    const outcome = checkToken(Buffer.from(tokenFor(claims)), CREDENTIALS, { rules, key, now: NOW });
    if (typeof outcome === "string") continue;
    assert.ok(typeof claims["sub"] === "string" && claims["v"] === "c1" && claims["iss"] === "y");
    assert.ok(outcome.until > NOW);
  }
});

test("files of any content are read or refused", (t) => {
  const random = chance(t);
  const acl = "# x\ntopic read a/+/b\nuser anna\ntopic deny a/#\npattern write c/%c/#\npattern read %u/x\n";
  for (let round = 0; round < ROUNDS / 4; round++) {
    const { users, problems } = parseUsers(mutate(random, ANNA.repeat(2)));
    assert.ok(users.size <= 2 && problems.length <= 20);
    assert.equal(
      typeof parseKey("RS256", mutate(random, "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n")),
      "string",
    );
    const parsed = parseAclFile(mutate(random, acl));
    const list = parsed.acl.rulesFor({
      user: random.pick(["anna", "+", "a/b", "$x"]),
      clientId: random.pick(["#", "c1", "%u"]),
    });
    for (const action of ["publish", "subscribe", "receive"] satisfies Action[]) {
      const topic = random.pick(["a/x/b", "c/c1/y", "$x/x", "a", "#", "+/+", "$SYS/#"]);
      if (action === "subscribe" || validTopic(topic)) allows(list, action, topic);
    }
  }
});

test("a name from the wire reaches only what its pattern says", (t) => {
  const random = chance(t);
  const { acl } = parseAclFile("pattern readwrite own/%c/#\npattern readwrite %u/state\n");
  const parts = ["a", "b", "/", "+", "#", "$", "%c", "%u", "$SYS", ""] as const;
  const name = (): string => Array.from({ length: random.between(1, 3) }, () => random.pick(parts)).join("");
  for (let round = 0; round < ROUNDS; round++) {
    const [clientId, user] = [name(), name()];
    const list = acl.rulesFor({ clientId, user });
    const topic = random.pick(["own/a/x", "own/b", "other/a", "a/state", "a/b/state", "$SYS/state", "own", "own//x"]);
    if (!allows(list, "publish", topic)) continue;
    assert.ok(topic.startsWith(`own/${clientId}`) || topic === `${user}/state`, `${clientId} ${user} ${topic}`);
    const [, own] = topic.split("/");
    assert.ok(own === clientId || topic === `${user}/state`, `${clientId} ${user} ${topic}`);
    assert.ok(!topic.startsWith("$"));
  }
});
