/** `weir passwd` as a process, and what it asks on a terminal. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { type TestContext, test } from "node:test";
import { isPassword } from "../../../src/broker/access/users/derive.js";
import { parseUsers } from "../../../src/broker/access/users/users-file.js";
import { askSecrets, readSecret } from "../../../src/cli/secret.js";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.js");

function rig(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "weir-passwd-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "users");
  const run = (input: string | Uint8Array, ...args: string[]) => {
    const ran = spawnSync(process.execPath, [MAIN, "passwd", ...args], { input, encoding: "utf8", timeout: 20_000 });
    return { status: ran.status, out: ran.stdout, log: ran.stderr };
  };
  return { folder, file, run };
}

async function takes(file: string, user: string, password: string): Promise<boolean> {
  const { users, problems } = parseUsers(readFileSync(file, "utf8"));
  assert.deepEqual(problems, []);
  const entry = users.get(user);
  return entry !== undefined && isPassword(entry.hash, Buffer.from(password));
}

test("a file is made, a password is changed, a user is taken out, and all else stays", async (t) => {
  const { file, run } = rig(t);
  assert.deepEqual(run("right\n", file, "anna"), { status: 0, out: `anna has a new password in ${file}\n`, log: "" });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, `# hall 7\n${readFileSync(file, "utf8")}`, { mode: 0o644 });
  assert.equal(run("pass word\r\nrest", file, "bob", "--stdin").status, 0);
  assert.equal(run("other", file, "anna").status, 0);
  assert.match(readFileSync(file, "utf8"), /^# hall 7\nanna:\$scrypt\$.+\nbob:\$scrypt\$.+\n$/);
  assert.ok((await takes(file, "anna", "other")) && !(await takes(file, "anna", "right")));
  assert.ok(await takes(file, "bob", "pass word"));
  assert.deepEqual(run("", file, "anna", "--delete"), { status: 0, out: `anna is not in ${file} any more\n`, log: "" });
  assert.match(readFileSync(file, "utf8"), /^# hall 7\nbob:.+\n$/);
});

test("a file that others could read is its owner's alone afterwards, and a link stays one", (t) => {
  const { folder, file, run } = rig(t);
  writeFileSync(file, "# mine\n", { mode: 0o644 });
  const link = join(folder, "link");
  symlinkSync(file, link);
  assert.equal(run("right\n", link, "anna").status, 0);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, "utf8"), /^# mine\nanna:/);
  assert.deepEqual(readdirSync(folder).sort(), ["link", "users"]);
});

test("what cannot be done leaves the file as it was, and nothing beside it", (t) => {
  const { folder, file, run } = rig(t);
  writeFileSync(file, "bob:x\n");
  const failing: [string, string[], number, RegExp][] = [
    ["", [file, "anna"], 1, /must not be empty/],
    ["\n", [file, "anna"], 1, /must not be empty/],
    ["x".repeat(65_536), [file, "anna"], 1, /at most 65535 bytes/],
    ["x\n", [file, "an:na"], 1, /no colon/],
    ["x\n", [file, "#anna"], 1, /not begin with #/],
    ["", [file, "anna", "--delete"], 1, /has no such user/],
    ["x\n", [folder, "anna"], 1, /is a folder|is not a regular file/],
    ["x\n", [join(folder, "nowhere", "users"), "anna"], 1, /cannot be written/],
    ["x\n", [file], 2, /^weir passwd FILE USER/],
    ["x\n", [file, "anna", "hunter2"], 2, /one argument too many/],
    ["x\n", [file, "anna", "--delete", "--stdin"], 2, /^weir passwd FILE USER/],
  ];
  for (const [input, args, status, log] of failing) {
    const ran = run(input, ...args);
    assert.equal(ran.status, status, args.join(" "));
    assert.match(ran.log, log);
    assert.ok(!ran.log.includes("    at "), "no stack");
  }
  assert.equal(readFileSync(file, "utf8"), "bob:x\n");
  assert.deepEqual(readdirSync(folder), ["users"]);
});

test("two at the same time do not lose each other's users", (t) => {
  const { folder, file, run } = rig(t);
  writeFileSync(join(folder, ".users.new"), "");
  const ran = run("x\n", file, "anna");
  assert.equal(ran.status, 1);
  assert.match(ran.log, /\.users\.new is there: another weir passwd is at work/);
  assert.deepEqual(readdirSync(folder), [".users.new"]);
});

class FakeTerminal extends PassThrough {
  raw: boolean[] = [];
  setRawMode(raw: boolean): void {
    this.raw.push(raw);
  }
}

test("a terminal shows nothing from the first question to the last answer, and is as it was afterwards", async () => {
  const [terminal, shown] = [new FakeTerminal(), new PassThrough()];
  const asked = askSecrets(terminal, shown, ["Password: ", "Once more: "]);
  assert.deepEqual(terminal.raw, [true], "before the question is seen");
  for (const part of ["wrong", "\x15", "seÃ", "\x7f", "cx", "\b", "ret", "\r", "next\rrest"]) terminal.write(part);
  const secrets = await asked;
  assert.ok(typeof secrets !== "string");
  assert.deepEqual(
    secrets.map((secret) => Buffer.from(secret).toString()),
    ["secret", "next"],
  );
  assert.deepEqual(terminal.raw, [true, false]);
  assert.equal(String(shown.read()), "Password: \nOnce more: \n");
});

test("Ctrl-C, Ctrl-D and the end enter nothing", async () => {
  for (const key of ["abc\x03", "\x04", undefined]) {
    const terminal = new FakeTerminal();
    const asked = askSecrets(terminal, new PassThrough(), ["", ""]);
    if (key === undefined) terminal.end();
    else terminal.write(key);
    assert.equal(await asked, "nothing was entered");
    assert.deepEqual(terminal.raw, [true, false]);
  }
});

test("of a stream the first line counts, whatever pieces it comes in", async () => {
  const stream = new PassThrough();
  for (const part of ["pa", "ss", "\r", "\nrest"]) stream.write(part);
  assert.equal(Buffer.from(await readSecret(stream)).toString(), "pass");
});
