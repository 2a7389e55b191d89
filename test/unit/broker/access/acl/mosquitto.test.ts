import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../../../../src/broker/access/access.js";
import { parseAclFile } from "../../../../../src/broker/access/acl/mosquitto.js";
import { allows } from "../../../../../src/broker/access/acl/rules.js";

type Client = { user?: string; clientId?: string };

function asker(text: string): (client: Client, action: Action, topic: string) => boolean {
  const { acl, problems } = parseAclFile(text);
  assert.deepEqual(problems, []);
  return ({ user, clientId = "c1" }, action, topic) => allows(acl.rulesFor({ user, clientId }), action, topic);
}

const FILE = `# of mosquitto's own test (09-acl-access-variants.py)
topic readwrite topic/global/#
topic deny      topic/global/except
user username
topic readwrite topic/username/#
topic deny      topic/username/except
pattern readwrite pattern/%u/#
pattern deny      pattern/%u/except
`;

test("what mosquitto's own test asks for", () => {
  const may = asker(FILE);
  const both = (client: Client, topic: string): boolean => {
    const [publish, receive] = [may(client, "publish", topic), may(client, "receive", topic)];
    assert.equal(publish, receive);
    return publish;
  };
  const user = { user: "username" };
  assert.ok(both({}, "topic/global"));
  assert.ok(!both(user, "topic/global"));
  assert.ok(!both({}, "topic/global/except"));
  assert.ok(!both({}, "topic/username"));
  assert.ok(both(user, "topic/username"));
  assert.ok(!both(user, "topic/username/except"));
  assert.ok(!both({}, "pattern/username"));
  assert.ok(both(user, "pattern/username"));
  assert.ok(!both(user, "pattern/username/except"));
});

test("lines as mosquitto cuts them", () => {
  const may = asker(
    "topic   read   with a space/and more  \r\n\n  topic alone\ntopic read\nuser  anna b \ntopic write a\nuser other\nuser anna b\ntopic read b\n",
  );
  assert.ok(may({}, "receive", "with a space/and more"));
  assert.ok(!may({}, "publish", "with a space/and more"));
  assert.ok(may({}, "publish", "alone") && may({}, "receive", "alone"));
  assert.ok(may({}, "publish", "read"), "a topic that is called read");
  const anna = { user: "anna b" };
  assert.ok(may(anna, "publish", "a") && !may(anna, "receive", "a"));
  assert.ok(may(anna, "receive", "b"), "a user may come twice");
  assert.ok(!may({}, "publish", "a"));
});

test("a user's allowed topic goes before a pattern that denies it, as in mosquitto", () => {
  const may = asker("user u\ntopic read own/x\npattern deny own/%u\npattern deny own/x\npattern read own/#\n");
  assert.ok(may({ user: "u" }, "receive", "own/x"));
  assert.ok(!may({ user: "u" }, "receive", "own/u"));
  assert.ok(!may({ user: "v" }, "receive", "own/x"));
});

test("a file without rules allows nothing", () => {
  for (const action of ["publish", "subscribe", "receive"] as const) assert.ok(!asker("# nothing\n")({}, action, "a"));
});

test("no name widens a pattern", () => {
  const may = asker(
    "pattern readwrite devices/%c/#\npattern readwrite users/%u\npattern read %c/state\ntopic read free\n",
  );
  for (const clientId of ["+", "#", "a+", "x/y", ""]) {
    for (const topic of ["devices/other/x", "devices/x/y", "devices/x/y/z", "devices//x", `devices/${clientId}/x`]) {
      assert.ok(!may({ clientId }, "publish", topic), `${clientId} ${topic}`);
      assert.ok(!may({ clientId }, "subscribe", topic), `${clientId} ${topic}`);
    }
  }
  assert.ok(!may({ clientId: "$SYS" }, "receive", "$SYS/state"));
  assert.ok(may({ clientId: "%u", user: "x" }, "publish", "devices/%u/a"), "a name is not filled in again");
  assert.ok(!may({ clientId: "%u", user: "x" }, "publish", "devices/x/a"));
  assert.ok(!may({}, "publish", "users/"), "an anonymous client has no %u");
  assert.ok(may({ clientId: "+" }, "receive", "free"), "topic lines hold for it");
});

test("a name that cannot be filled in escapes no pattern that denies", () => {
  const may = asker("pattern deny devices/%c/secret\npattern read #\n");
  assert.ok(!may({ clientId: "a" }, "receive", "devices/a/secret"));
  assert.ok(may({ clientId: "a" }, "receive", "devices/b/secret"));
  assert.ok(!may({ clientId: "a/b" }, "receive", "devices/a/b/secret"));
});

test("what is wrong is told with its line", () => {
  const { problems } = parseAclFile(
    "topic read a\ntopic\nuser\ntopic foo bar\npattern read a#\nallow x\n\ttopic a\ntopic read a/#/b",
  );
  assert.deepEqual(
    problems.map(({ line }) => line),
    [2, 3, 4, 5, 6, 7, 8],
  );
  assert.equal(parseAclFile("x\n".repeat(100_000)).problems.length, 20);
});
