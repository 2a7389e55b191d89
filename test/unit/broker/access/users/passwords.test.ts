import assert from "node:assert/strict";
import { test } from "node:test";
import { Throttle } from "../../../../../src/broker/access/throttle.js";
import { Passwords } from "../../../../../src/broker/access/users/passwords.js";
import { Successes } from "../../../../../src/broker/access/users/successes.js";
import { Turns } from "../../../../../src/broker/access/users/turns.js";
import { parseUsers } from "../../../../../src/broker/access/users/users-file.js";
import { userLine } from "../rig.js";

function rig(text = userLine("anna", "right") + userLine("bob", "right")) {
  let now = 0;
  let verified = 0;
  const turns = new Turns({ running: 2, places: 8 });
  const take = turns.take.bind(turns);
  turns.take = (from, run) =>
    take(from, () => {
      verified++;
      return run();
    });
  const users = (of: string) => parseUsers(of).users;
  const byOrigin = new Throttle({ burst: 20, every: 6_000 });
  const passwords = new Passwords(users(text), { turns, ticks: () => now, byOrigin });
  return {
    passwords,
    turns,
    later: (ms: number) => (now += ms),
    replace: (of: string) => passwords.replace(users(of)),
    verified: () => verified,
    check: async (user: string, password: string, origin = "192.0.2.1", local = false) => {
      const outcome = await passwords.check({ user, password: Buffer.from(password), origin, local });
      return outcome.ok ? "ok" : outcome.why;
    },
  };
}

test("the right password comes in; a wrong one and an unknown name are the same", async () => {
  const { check, verified } = rig();
  assert.equal(await check("anna", "right"), "ok");
  assert.equal(await check("anna", "wrong"), "wrong");
  assert.equal(await check("nobody", "right"), "wrong");
  assert.equal(await check("__proto__", "right"), "wrong");
  assert.equal(verified(), 4, "an unknown name is computed too");
});

test("who was here in the last minutes costs nothing, wherever it comes from", async () => {
  const { check, verified, later } = rig();
  await check("anna", "right");
  for (let n = 0; n < 1_000; n++) assert.equal(await check("anna", "right", `192.0.2.${n % 200}`), "ok");
  assert.equal(verified(), 1);
  later(600_001);
  assert.equal(await check("anna", "right"), "ok");
  assert.equal(verified(), 2);
});

test("a changed file ends what was remembered", async () => {
  const { check, replace, passwords } = rig();
  await check("anna", "right");
  const outcome = await passwords.check({ user: "anna", password: Buffer.from("right"), origin: "a", local: false });
  assert.ok(outcome.ok && passwords.holds("anna", outcome.proof) && !passwords.holds("bob", outcome.proof));
  replace(userLine("anna", "other") + userLine("bob", "right"));
  assert.ok(!passwords.holds("anna", outcome.proof));
  assert.equal(await check("anna", "right"), "wrong");
  replace(userLine("bob", "right"));
  assert.equal(await check("anna", "other"), "wrong");
  assert.ok(!passwords.holds("anna", outcome.proof));
});

test("a password that stops being right while it is checked does not come in, and is not remembered", async () => {
  const { check, replace } = rig();
  const pending = check("anna", "right");
  replace(userLine("anna", "other"));
  assert.equal(await pending, "crowded");
  assert.equal(await check("anna", "right"), "wrong");
});

test("a name is guessed at five times from one place, and then one time in ten seconds", async () => {
  const { check, later } = rig();
  for (let n = 0; n < 5; n++) assert.equal(await check("anna", `guess ${n}`), "wrong");
  assert.equal(await check("anna", "right"), "throttled", "the right one is not told apart");
  assert.equal(await check("anna", "right", "198.51.100.7"), "ok", "others are not shut out");
  assert.equal(await check("bob", "right"), "ok");
  later(10_000);
  assert.equal(await check("anna", "right"), "ok");
});

test("guesses at what is remembered are counted, so that it cannot be found out fast", async () => {
  const { check } = rig();
  await check("anna", "right", "198.51.100.7");
  for (let n = 0; n < 5; n++) await check("anna", `guess ${n}`);
  assert.equal(await check("anna", "right"), "throttled");
  assert.equal(await check("anna", "right", "198.51.100.7"), "ok");
});

test("one address guesses at twenty names, a program on this machine shuts out nobody", async () => {
  const { check } = rig();
  for (let n = 0; n < 20; n++) assert.equal(await check(`name ${n}`, "x"), "wrong");
  assert.equal(await check("anna", "right"), "throttled");
  for (let n = 0; n < 30; n++) await check(`name ${n}`, "x", "127.0.0.1", true);
  assert.equal(await check("anna", "right", "127.0.0.1", true), "ok");
});

test("a name that many addresses guess at is closed for all but who was here", async () => {
  const { check } = rig();
  await check("anna", "right", "10.0.0.1");
  for (let n = 0; n < 100; n++) assert.equal(await check("anna", "x", `192.0.2.${n}`), "wrong");
  assert.equal(await check("anna", "right", "198.51.100.1"), "throttled");
  assert.equal(await check("anna", "right", "10.0.0.1"), "ok");
});

test("a flood is turned away, and one address takes half of the places at most", async () => {
  const { check, verified } = rig();
  const flood = await Promise.all(Array.from({ length: 100 }, (_, n) => check(`name ${n}`, "x", "192.0.2.1")));
  assert.equal(flood.filter((outcome) => outcome === "crowded").length, 96);
  assert.equal(verified(), 4);
  const pending = Array.from({ length: 100 }, (_, n) => check(`name ${n}`, "x", "192.0.2.1"));
  assert.equal(await check("bob", "right", "198.51.100.1"), "ok", "others have places");
  await Promise.all(pending);
});

test("guesses that came in together are counted one by one", async () => {
  const { check } = rig();
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => check("anna", "x")));
  assert.deepEqual(outcomes, ["wrong", "wrong", "wrong", "wrong"]);
  const more = await Promise.all(Array.from({ length: 4 }, () => check("anna", "x")));
  // Two run at once: the second of them began before the first had failed.
  assert.ok(more.filter((outcome) => outcome === "wrong").length <= 2, more.join());
});

test("who waits when it ends is told to come again", async () => {
  const { check, turns } = rig();
  const pending = ["a", "b", "c", "d"].map((user) => check(user, "x", user));
  turns.close();
  assert.deepEqual(await Promise.all(pending), ["wrong", "wrong", "crowded", "crowded"]);
  assert.equal(await check("anna", "right"), "crowded");
});

test("tables are bounded, and parts of a name do not run together", () => {
  const successes = new Successes();
  assert.notEqual(successes.name("ab", "c"), successes.name("a", "bc"));
  assert.notEqual(successes.name("a"), new Successes().name("a"), "the key is this process's");
  for (let n = 0; n < 10_000; n++) successes.add(String(n), 0);
  assert.equal(successes.size, 8_192);
  assert.ok(successes.has("9999", 0) && !successes.has("0", 0) && !successes.has("9999", 600_000));
});
