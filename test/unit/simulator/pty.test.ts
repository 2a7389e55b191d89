import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { SerialPort } from "serialport";
import type { Entry } from "../../../src/core/journal.js";
import { available, openPty } from "../../../src/simulator/pty.js";
import { eventually } from "../../support/eventually.js";
import { needs } from "../../support/peers.js";

/** The socat that has this folder as its working directory. */
function socatIn(folder: string): number | undefined {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        return (
          readlinkSync(`/proc/${pid}/cwd`) === folder && readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "socat"
        );
      } catch {
        return false; // ended meanwhile, or another user's
      }
    });
}

async function openPort(path: string): Promise<{ port: SerialPort; heard: () => string; close: () => Promise<void> }> {
  const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
  const chunks: Buffer[] = [];
  port.on("error", () => {}); // the test pulls the plug
  port.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  const close = (): Promise<void> => new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
  return { port, heard: () => Buffer.concat(chunks).toString("latin1"), close };
}

test("socat is found on the path, or it is not", () => {
  assert.equal(available(""), false);
  assert.equal(available("/nowhere:relative"), false);
});

test("every byte passes both ways; closing removes path and process", needs("socat"), async (t) => {
  const pty = await openPty({ journal: () => assert.fail("nothing goes wrong here"), at: "dev" });
  t.after(() => pty.close());
  const heard: Buffer[] = [];
  pty.line.onData((bytes) => heard.push(Buffer.from(bytes)));
  const gateway = await openPort(pty.devicePath);
  t.after(gateway.close);
  // A terminal would change carriage returns, and take ^C, ^D, ^S and ^Z as orders.
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  await pty.line.write(all);
  await eventually(() => gateway.heard() === all.toString("latin1"), "the gateway heard all");
  gateway.port.write(all);
  await eventually(() => Buffer.concat(heard).equals(all), "the device heard all");

  // Closed and opened anew: the device stays, and nothing old is heard.
  await gateway.close();
  const again = await openPort(pty.devicePath);
  t.after(again.close);
  await pty.line.write(Buffer.from("hello"));
  await eventually(() => again.heard() === "hello", "the second session hears only what was said in it");

  const folder = dirname(pty.devicePath);
  const pid = socatIn(folder);
  assert.ok(pid !== undefined);
  await pty.close();
  assert.equal(existsSync(folder), false);
  assert.equal(existsSync(`/proc/${pid}`), false);
});

test("a device whose socat died is plugged in again at the same path", needs("socat"), async (t) => {
  const entries: Entry[] = [];
  const pty = await openPty({ journal: (entry) => entries.push(entry), at: "dev" });
  t.after(() => pty.close());
  const folder = dirname(pty.devicePath);
  const first = socatIn(folder);
  assert.ok(first !== undefined);
  process.kill(first, "SIGKILL");
  await eventually(() => entries.some((entry) => entry.event === "simulator_unplugged"), "the unplug is journaled");
  // Into the air, and without an error.
  await pty.line.write(Buffer.from("lost"));
  await eventually(() => {
    const next = socatIn(folder);
    return next !== undefined && next !== first && existsSync(pty.devicePath);
  }, "it is plugged in again");
  const heard: Buffer[] = [];
  pty.line.onData((bytes) => heard.push(Buffer.from(bytes)));
  const gateway = await openPort(pty.devicePath);
  t.after(gateway.close);
  await eventually(async () => {
    await pty.line.write(Buffer.from("x"));
    return gateway.heard() !== "";
  }, "the gateway hears it again");
  assert.match(gateway.heard(), /^x+$/);
  gateway.port.write("y");
  await eventually(() => Buffer.concat(heard).toString() === "y", "the device hears the gateway again");
});

test("closing while it is unplugged leaves nothing behind", needs("socat"), async () => {
  const entries: Entry[] = [];
  const pty = await openPty({ journal: (entry) => entries.push(entry), at: "dev" });
  const folder = dirname(pty.devicePath);
  process.kill(socatIn(folder) ?? assert.fail("no socat"), "SIGKILL");
  await eventually(() => entries.length === 1, "the unplug is journaled");
  await pty.close();
  assert.equal(existsSync(folder), false);
});

test("without socat opening fails with a reason, and leaves no folder", async () => {
  const { PATH } = process.env;
  process.env["PATH"] = "/nowhere";
  try {
    await assert.rejects(openPty({ journal: () => assert.fail("nothing goes wrong here"), at: "dev" }), {
      code: "PORT_FAILED",
      message: /socat.*ENOENT/,
    });
  } finally {
    process.env["PATH"] = PATH;
  }
});
