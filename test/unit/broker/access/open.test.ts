import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Access, Credentials, Identity } from "../../../../src/broker/access/access.js";
import { type AccessOptions, accessProblems, openAccess } from "../../../../src/broker/access/open.js";
import type { AccessSettings } from "../../../../src/config/index.js";
import { WeirError } from "../../../../src/core/errors.js";
import type { Entry } from "../../../../src/core/journal.js";
import { eventually } from "../../../support/eventually.js";
import { ANNA, NOW, SECRET, tokenFor, userLine } from "./rig.js";

const INSIDE = "tcp://127.0.0.1:1883";

interface Rig {
  readonly access: Access;
  readonly entries: Entry[];
  /** Replaces a file as an editor does. */
  write(name: string, text: string): void;
  comeIn(of: Partial<Credentials>): Promise<Identity | string>;
}

async function open(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  settings: (path: (name: string) => string) => Partial<AccessSettings> & Pick<AccessOptions, "listeners">,
): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "weir-access-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const write = (name: string, text: string): void => {
    writeFileSync(path(`${name}~`), text);
    renameSync(path(`${name}~`), path(name));
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const entries: Entry[] = [];
  const { listeners, ...own } = settings(path);
  const access = await openAccess({
    settings: { anonymous: "auto", ...own },
    ...(listeners ? { listeners } : {}),
    now: () => NOW,
    journal: (entry) => entries.push(entry),
    watch: { settle: 10, poll: 60_000 },
  });
  t.after(() => access.close());
  return {
    access,
    entries,
    write,
    comeIn: async (of) => {
      const verdict = await access.authenticate({
        clientId: "c1",
        username: undefined,
        password: undefined,
        listener: INSIDE,
        local: true,
        address: "127.0.0.1",
        proven: undefined,
        ...of,
      });
      return verdict.ok ? verdict.identity : verdict.reason;
    },
  };
}

function inside(identity: Identity | string): Identity {
  assert.ok(typeof identity !== "string", "it was not let in");
  return identity;
}

const anna = { username: "anna", password: Buffer.from("right") };

test("without rules everyone who comes in may all but speak as the broker", async (t) => {
  const { access, comeIn } = await open(t, { users: ANNA }, (path) => ({ users: path("users") }));
  for (const identity of [inside(await comeIn({})), inside(await comeIn(anna))]) {
    assert.ok(access.may(identity, "publish", "a") && access.may(identity, "subscribe", "#"));
    assert.ok(access.may(identity, "receive", "$SYS/broker/version"));
    assert.ok(!access.may(identity, "publish", "$SYS/broker/version"));
  }
});

test("a password that is changed or taken away ends what it let in, without a restart", async (t) => {
  const { access, comeIn, write } = await open(t, { users: ANNA + userLine("bob", "right") }, (path) => ({
    users: path("users"),
  }));
  const [a, b, nobody] = [
    inside(await comeIn(anna)),
    inside(await comeIn({ ...anna, username: "bob" })),
    inside(await comeIn({})),
  ];
  const told: boolean[][] = [];
  access.onChange((revoked) => told.push([a, b, nobody].map(revoked)));
  write("users", ANNA + userLine("bob", "other"));
  await eventually(() => told.length === 1, "the first change was told");
  write("users", userLine("bob", "other"));
  await eventually(() => told.length === 2, "the second change was told");
  assert.deepEqual(told, [
    [false, true, false],
    [true, true, false],
  ]);
  assert.equal(await comeIn(anna), "bad_credentials");
});

test("new rules hold for those who are here; faulty ones do not, and are told with their lines", async (t) => {
  const { access, comeIn, write, entries } = await open(t, { acl: "topic read a\n" }, (path) => ({
    aclFile: path("acl"),
  }));
  const identity = inside(await comeIn({}));
  let changes = 0;
  access.onChange(() => changes++);
  assert.ok(access.may(identity, "receive", "a") && !access.may(identity, "receive", "b"));
  write("acl", "topic read b\nallow everything\n");
  await eventually(() => entries.some(({ event }) => event === "access_invalid"), "the fault was told");
  assert.match(
    entries.at(-1)?.message ?? "",
    /acl:2: must begin with topic, pattern or user; what was read before still holds/,
  );
  assert.ok(access.may(identity, "receive", "a") && !access.may(identity, "receive", "b"));
  assert.equal(changes, 0);
  write("acl", "topic read b\n");
  await eventually(() => changes === 1, "the change was told");
  assert.ok(!access.may(identity, "receive", "a") && access.may(identity, "receive", "b"));
  rmSync(join(entries.at(-1)?.message.split(" ")[0] ?? "", ""), { force: true });
  await eventually(() => entries.at(-1)?.event === "access_invalid", "that it is gone was told");
  assert.ok(access.may(identity, "receive", "b"));
});

test("a faulty file at the start lets nobody in", async (t) => {
  const settings = { users: "anna:hunter2\n", acl: "topic\n" };
  await assert.rejects(
    open(t, settings, (path) => ({ users: path("users"), aclFile: path("acl") })),
    (error) => {
      assert.ok(error instanceof WeirError && error.code === "ACCESS_INVALID");
      assert.match(error.message, /users:1: the password is not a hash.*\n.*acl:1: needs a topic/);
      assert.ok(!error.message.includes("hunter2"));
      return true;
    },
  );
  await assert.rejects(
    open(t, {}, (path) => ({ users: path("nowhere") })),
    /nowhere does not exist/,
  );
});

test("what a token allows stands where the gateway's rules say nothing", async (t) => {
  const { access, comeIn, write } = await open(t, { key: SECRET }, (path) => ({
    jwt: { algorithm: "HS256", keyFile: path("key"), from: "password", user: "sub", verify: {}, leeway: 0 },
    acl: {
      rules: [
        { deny: "publish", topics: ["alarm/#"] },
        { allow: "subscribe", user: "*", topics: ["public/#"] },
      ],
      default: "deny",
    },
  }));
  const exp = NOW / 1_000 + 60;
  const acl = { pub: ["%u/#", "alarm/x"] };
  const [own, none] = [
    { sub: "tina", exp, acl },
    { sub: "tom", exp },
  ].map((claims) => Buffer.from(tokenFor(claims)));
  assert.ok(own && none);
  const [tina, tom] = [inside(await comeIn({ password: own })), inside(await comeIn({ password: none }))];
  const may = (identity: Identity, topic: string): string =>
    (["publish", "receive"] as const).filter((action) => access.may(identity, action, topic)).join();
  assert.deepEqual(
    ["tina/a", "alarm/x", "public/a", "other"].map((topic) => [may(tina, topic), may(tom, topic)]),
    [
      ["publish", ""],
      ["", ""],
      ["receive", "receive"],
      ["", ""],
    ],
  );
  assert.ok(access.may({ ...tina }, "publish", "tina/a"), "a copy is the same");
  let gone = false;
  access.onChange((revoked) => {
    gone = revoked(tina);
  });
  write("key", "another secret of thirty-two bytes");
  await eventually(() => gone, "the old key's tokens count no more");
});

test("a token without acl has the gateway's default; one with an acl has no more than that", async (t) => {
  const { access, comeIn } = await open(t, { key: SECRET }, (path) => ({
    jwt: { algorithm: "HS256", keyFile: path("key"), from: "password", user: "sub", verify: {}, leeway: 0 },
  }));
  const exp = NOW / 1_000 + 60;
  const plain = inside(await comeIn({ password: Buffer.from(tokenFor({ sub: "t", exp })) }));
  const narrow = inside(await comeIn({ password: Buffer.from(tokenFor({ sub: "t", exp, acl: {} })) }));
  assert.ok(access.may(plain, "publish", "a") && !access.may(narrow, "publish", "a"));
  assert.ok(!access.may(narrow, "subscribe", "#"));
});

test("a listener says otherwise: its rules and users are its own", async (t) => {
  const outside = "tcp://0.0.0.0:1884";
  const { access, comeIn } = await open(
    t,
    { users: ANNA, acl: "user bob\ntopic write b\n", outer: userLine("bob", "right") },
    (path) => ({
      users: path("users"),
      acl: { rules: [{ allow: "all", topics: ["a"] }], default: "deny" },
      listeners: [
        { url: outside, access: { users: path("outer"), aclFile: path("acl"), anonymous: false } },
        { url: INSIDE },
      ],
    }),
  );
  const bob = { ...anna, username: "bob", listener: outside };
  assert.equal(await comeIn({ ...bob, listener: INSIDE }), "bad_credentials");
  assert.equal(await comeIn({ ...anna, listener: outside }), "bad_credentials");
  assert.equal(await comeIn({ listener: outside }), "not_authorized");
  const identity = inside(await comeIn(bob));
  assert.ok(access.may(identity, "publish", "b") && !access.may(identity, "publish", "a"));
  const local = inside(await comeIn(anna));
  assert.ok(access.may(local, "publish", "a") && !access.may(local, "publish", "b"));
});

test("what would be refused at the start can be asked before", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-access-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [users, acl] = [join(folder, "users"), join(folder, "acl")];
  writeFileSync(users, ANNA);
  writeFileSync(acl, "topic\n");
  const settings = { anonymous: "auto", users } as const;
  assert.deepEqual(accessProblems({ settings }), []);
  const listeners = [{ url: INSIDE, access: { aclFile: acl } }];
  assert.deepEqual(accessProblems({ settings, listeners }), [`${acl}:1: needs a topic`]);
});
