import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

/** The command `weir`, built. */
export const MAIN = join(import.meta.dirname, "..", "src", "main.js");

/** MQTT 3.1.1 CONNECT, clean session, keep alive 10 s, client id "b" (3.1). */
const CONNECT = Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 1, 0x62]);
/** CONNACK, accepted (3.2). */
const CONNACK = Buffer.from([0x20, 2, 0, 0]);
/** ms after which a program that does not come up has failed. */
const PATIENCE_MS = 30_000;

/** A broker that a benchmark started, and when it first answered. */
export interface Subject {
  readonly process: ChildProcess;
  /** ms from the spawn to the first CONNACK. */
  readonly answeredMs: number;
  /** ms from the spawn to the first line on stderr that has the word; NaN when it was not given or not seen. */
  readonly saidMs: () => number;
  /** The end of what it has written to stderr. */
  readonly said: () => string;
  stop(): Promise<void>;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/**
 * Starts a broker and waits until it answers a CONNECT on the port.
 * Rejects when it ends before, or does not answer in 30 s, with the end of what it said.
 */
export async function start(program: string, args: readonly string[], port: number, word?: string): Promise<Subject> {
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${code ?? signal}`));
  });
  let ended: string | undefined;
  void exited.then((how) => {
    ended = how;
  });
  let said = "";
  let saidMs = Number.NaN;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-8_000);
    if (Number.isNaN(saidMs) && word !== undefined && said.includes(word)) saidMs = performance.now() - begun;
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const last = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    await exited;
    clearTimeout(last);
  };

  while (!(await answers(port))) {
    if (ended === undefined && performance.now() - begun < PATIENCE_MS) {
      await delay(2);
      continue;
    }
    const how = ended ?? `no answer on port ${port} in ${PATIENCE_MS} ms`;
    await stop();
    throw new Error(`${program} ${args.join(" ")}: ${how}\n${said}`);
  }
  return { process: child, answeredMs: performance.now() - begun, saidMs: () => saidMs, said: () => said, stop };
}

/** Resident memory of a process, in MB (10^6 bytes), without its children. */
export async function residentMb(pid: number): Promise<number> {
  return residentMbOf(await readFile(`/proc/${pid}/status`, "utf8"));
}

/** The same, of the text of /proc/PID/status (proc(5)), which counts in units of 1024 bytes. */
export function residentMbOf(status: string): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error("no VmRSS in /proc/PID/status: has the process ended?");
  return (Number(kib) * 1024) / 1e6;
}

/** Whether an MQTT broker accepts a client there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(CONNECT));
    let got = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= CONNACK.length) socket.destroy();
    });
    // Refused until it listens: the answer is "close", which always follows.
    socket.on("error", () => {});
    socket.on("close", () => resolve(got.equals(CONNACK)));
    socket.setTimeout(1_000, () => socket.destroy());
  });
}
