import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Entry } from "../../src/core/journal.js";
import { keepAlive, type Notifier, notifier } from "../../src/notify.js";
import { locate } from "../support/peers.js";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-notify-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A notifier, and all that it journals. */
function journaled(env: NodeJS.ProcessEnv, program?: string): { told: Notifier; entries: Entry[] } {
  const entries: Entry[] = [];
  const options = { journal: (entry: Entry) => void entries.push(entry), pid: 4711 };
  return { told: notifier(env, program === undefined ? options : { ...options, program }), entries };
}

/** An executable shell script, in place of systemd-notify. */
async function script(name: string, body: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Asks again and again, for at most 10 s. */
async function until<T>(ask: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  for (const end = Date.now() + 10_000; Date.now() < end; await delay(5)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`waited 10 s for ${what}`);
}

/**
 * Prints each datagram as one line. Perl, which every Debian has: socat keeps the file descriptor that systemd-notify sends
 * along and waits for (sd_notify_barrier(3)), and so never lets it end.
 */
const RECEIVER = `
  use Socket;
  socket(S, AF_UNIX, SOCK_DGRAM, 0) and bind(S, sockaddr_un($ARGV[0])) or die "$!";
  $| = 1;
  print "bound\\n";
  while (defined recv(S, my $datagram, 65536, 0)) { $datagram =~ tr/\\n/ /; print "$datagram\\n"; }
`;

/** Skipped where one is missing; an error instead where CI lets nothing be skipped. */
function needsReceiver(): { skip: string | false } {
  const packages = { perl: "perl-base", "systemd-notify": "systemd" };
  const missing = Object.entries(packages).filter(([program]) => locate(program) === undefined);
  if (missing.length === 0) return { skip: false };
  const advice = `needs ${missing.map(([, name]) => name).join(", ")}: npm run setup:peers installs it`;
  if (process.env["WEIR_REQUIRE_PEERS"] === "1") throw new Error(advice);
  return { skip: advice };
}

test("systemd hears that the gateway is ready, alive and stopping", needsReceiver(), async () => {
  const socket = join(folder, "notify.sock");
  const receiver = spawn("perl", ["-e", RECEIVER, socket], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(receiver, "exit");
  try {
    const heard: string[] = [];
    createInterface(receiver.stdout).on("line", (line) => {
      // systemd-notify's own request to be told when the message before it was taken.
      if (line !== "BARRIER=1") heard.push(line);
    });
    await until(() => heard.includes("bound") || undefined, "the socket");
    const { told, entries } = journaled({ PATH: process.env["PATH"], NOTIFY_SOCKET: socket });
    await told.ready();
    await told.alive();
    await told.stopping();
    await until(() => heard.length >= 4 || undefined, "three datagrams");
    assert.deepEqual(heard, [
      "bound",
      "READY=1 MAINPID=4711 STATUS=carrying messages",
      "WATCHDOG=1",
      "STOPPING=1 STATUS=stopping",
    ]);
    assert.deepEqual(entries, []);
  } finally {
    receiver.kill();
    await gone;
  }
});

test("without a service manager nothing is run and no signs of life are asked for", async () => {
  const trace = join(folder, "trace-none");
  const program = await script("never", `echo ran >${trace}`);
  const { told, entries } = journaled({ WATCHDOG_USEC: "1000000" }, program);
  await told.ready();
  await told.alive();
  await told.stopping();
  assert.equal(told.watchdogMs, undefined);
  assert.equal(existsSync(trace), false);
  assert.deepEqual(entries, []);
});

test("the child gets the socket and the path, not the gateway's secrets", async () => {
  const trace = join(folder, "trace-env");
  const program = await script("env", `echo "$NOTIFY_SOCKET/$SECRET/$*" >${trace}`);
  const { told } = journaled({ PATH: process.env["PATH"], NOTIFY_SOCKET: "@weir", SECRET: "password" }, program);
  await told.alive();
  assert.equal(await readFile(trace, "utf8"), "@weir//WATCHDOG=1\n");
});

test("what systemd did not hear is journaled and never thrown", async () => {
  const env = { PATH: process.env["PATH"], NOTIFY_SOCKET: join(folder, "nobody") };
  for (const [program, reason] of [
    [join(folder, "missing"), "ENOENT"],
    [await script("refuses", "exit 3"), "(3)"],
  ] as const) {
    const { told, entries } = journaled(env, program);
    await told.ready();
    assert.equal(entries.length, 1);
    assert.equal(entries[0]?.event, "service_notify_failed");
    assert.match(entries[0]?.message ?? "", new RegExp(`READY=1.*${reason.replace(/[()]/g, "\\$&")}`));
  }
});

test("signs of life are due at half of what systemd waits", () => {
  const due = (env: NodeJS.ProcessEnv): number | undefined =>
    journaled({ NOTIFY_SOCKET: "@weir", ...env }).told.watchdogMs;
  assert.equal(due({ WATCHDOG_USEC: "60000000" }), 30_000);
  assert.equal(due({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "4711" }), 30_000);
  assert.equal(due({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "4712" }), undefined);
  assert.equal(due({ WATCHDOG_USEC: "1" }), 1);
  assert.equal(due({ WATCHDOG_USEC: "9007199254740991" }), 2 ** 31 - 1);
  for (const odd of ["0", "-5", "", "soon", "1.5"]) assert.equal(due({ WATCHDOG_USEC: odd }), undefined, odd);
  assert.equal(due({}), undefined);
});

test("signs of life are given again and again until stopped", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let signs = 0;
  const nothing = async (): Promise<void> => {};
  const alive = async (): Promise<void> => {
    signs += 1;
  };
  const stop = keepAlive({ watchdogMs: 1_000, ready: nothing, alive, stopping: nothing });
  t.mock.timers.tick(3_500);
  assert.equal(signs, 3);
  stop();
  t.mock.timers.tick(10_000);
  assert.equal(signs, 3);
});

test("where nobody waits for signs of life there is no timer", (t) => {
  const set = t.mock.method(globalThis, "setInterval");
  keepAlive(journaled({}).told)();
  assert.equal(set.mock.callCount(), 0);
});
