import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.js";
import { locate } from "./peers.js";
import { freePort } from "./ports.js";

export interface Mosquitto {
  readonly url: string;
  /** Ends it as `kill -9` would. */
  kill(): Promise<void>;
}

/** A mosquitto of the test's own on 127.0.0.1, ended with the test. `needs("mosquitto")` goes with it. */
export async function startMosquitto(t: TestContext, settings = "", chosen?: number): Promise<Mosquitto> {
  const port = chosen ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), "weir-mosquitto-"));
  const file = join(folder, "mosquitto.conf");
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\n${settings}`);
  const child = spawn(locate("mosquitto") ?? "mosquitto", ["-c", file], { stdio: "ignore" });
  const kill = (): Promise<void> => end(child);
  t.after(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await eventually(() => answers(port), "mosquitto listens");
  return { url: `mqtt://127.0.0.1:${port}`, kill };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // not yet
  } finally {
    socket.destroy();
  }
}
