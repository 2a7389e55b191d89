import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withoutUser, withUser } from "../../../../../src/broker/access/users/change.js";
import { isPassword } from "../../../../../src/broker/access/users/derive.js";
import { hashPassword, parseHash } from "../../../../../src/broker/access/users/hash.js";
import { parseUsers } from "../../../../../src/broker/access/users/users-file.js";
import { needs } from "../../../../support/peers.js";

const bare = (of: Uint8Array): string => Buffer.from(of).toString("base64").replace(/=+$/, "");
const bytes = (text: string): Uint8Array => Buffer.from(text);

async function accepts(written: string, password: string): Promise<boolean> {
  const hash = parseHash(written);
  assert.ok(typeof hash !== "string", hash as string);
  return isPassword(hash, bytes(password));
}

test("scrypt as RFC 7914 computes it", async () => {
  // RFC 7914 12: "pleaseletmein", "SodiumChloride", N=16384, r=8, p=1, 64 bytes
  const digest = Buffer.from(
    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
    "hex",
  );
  const written = `$scrypt$ln=14,r=8,p=1$${bare(bytes("SodiumChloride"))}$${bare(digest)}`;
  assert.ok(await accepts(written, "pleaseletmein"));
  assert.ok(!(await accepts(written, "pleaseletmeim")));
});

test("a new hash is salted, describes itself, and takes its password alone", async () => {
  const [one, two] = await Promise.all([hashPassword(bytes("a")), hashPassword(bytes("a"))]);
  assert.match(one, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two);
  assert.ok(await accepts(one, "a"));
  assert.ok(!(await accepts(one, "")) && !(await accepts(one, "b")));
});

test("files of mosquitto_passwd are read as they are", needs("mosquitto"), async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-users-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "users");
  execFileSync("mosquitto_passwd", ["-b", "-c", file, "anna", "pass word"], { stdio: "ignore" });
  execFileSync("mosquitto_passwd", ["-b", "-H", "sha512", file, "bob", "geheim"], { stdio: "ignore" });
  const { users, problems } = parseUsers(readFileSync(file, "utf8"));
  assert.deepEqual(problems, []);
  assert.deepEqual(
    [...users.values()].map(({ hash }) => hash.kind),
    ["pbkdf2", "sha512"],
  );
  assert.ok(await accepts(users.get("anna")?.written ?? "", "pass word"));
  assert.ok(!(await accepts(users.get("anna")?.written ?? "", "pass")));
  assert.ok(await accepts(users.get("bob")?.written ?? "", "geheim"));
  assert.ok(!(await accepts(users.get("bob")?.written ?? "", "Geheim")));
});

const HASH = `$7$101$${"A".repeat(16)}$${"A".repeat(86)}==`;

test("comments and blank lines are left out, every other wrong line is told without what it holds", () => {
  const text = [
    "# users of hall 7",
    "",
    `anna:${HASH}\r`,
    ` bob : ${HASH} `,
    "hunter2",
    "carl:hunter2",
    `anna:${HASH}`,
    `:${HASH}`,
    "dora:$argon2id$v=19$m=1,t=1,p=1$hunter2$hunter2",
    `emil:${HASH}x`,
    `fritz:${HASH}:rest`,
    `g:$7$0$${"A".repeat(16)}$${"A".repeat(86)}==`,
    `h:$7$99999999$${"A".repeat(16)}$${"A".repeat(86)}==`,
    `${"x".repeat(3_000)}:${HASH}`,
  ].join("\n");
  const { users, problems } = parseUsers(text);
  assert.deepEqual([...users.keys()], ["anna", "bob"]);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
  );
  assert.ok(!JSON.stringify(problems).includes("hunter2"));
});

test("a hash that costs too much, or too little, is none", () => {
  const salt = "A".repeat(22);
  const digest = "A".repeat(43);
  const of = (parameters: string) => typeof parseHash(`$scrypt$${parameters}$${salt}$${digest}`);
  assert.equal(of("ln=15,r=8,p=1"), "object");
  assert.equal(of("ln=16,r=8,p=4"), "object");
  for (const parameters of [
    "ln=17,r=8,p=1",
    "ln=99,r=99,p=99",
    "ln=16,r=8,p=5",
    "ln=1,r=8,p=1",
    "ln=15,r=0,p=1",
    "",
    "ln=15,r=8",
  ])
    assert.equal(of(parameters), "string", parameters);
  assert.equal(typeof parseHash(`$scrypt$ln=15,r=8,p=1$${salt}$AAAA`), "string");
  assert.equal(typeof parseHash(`$scrypt$ln=15,r=8,p=1$AAAA$${digest}`), "string");
});

test("one line changes, all others stay", () => {
  const text = "# hall 7\nanna:old\n#bob:x\nbob:old\nother line\n";
  assert.equal(withUser(text, "bob", "new"), "# hall 7\nanna:old\n#bob:x\nbob:new\nother line\n");
  assert.equal(withUser(text, "carl", "new"), `${text}carl:new\n`);
  assert.equal(withUser("anna:old", "bob", "new"), "anna:old\nbob:new\n");
  assert.equal(withUser("anna:old\r\n", "bob", "new"), "anna:old\r\nbob:new\r\n");
  assert.equal(withUser("", "bob", "new"), "bob:new\n");
  assert.equal(withoutUser(text, "anna"), "# hall 7\n#bob:x\nbob:old\nother line\n");
  assert.equal(withoutUser("a:1\nb:2\na:3\n", "a"), "b:2\n");
  assert.equal(withoutUser(text, "ann"), undefined);
});

test("what is written is read again", () => {
  const { users, problems } = parseUsers(withUser(withUser("", "a b", HASH), "ä+", HASH));
  assert.deepEqual([[...users.keys()], problems], [["a b", "ä+"], []]);
});
