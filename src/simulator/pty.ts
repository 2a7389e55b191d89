import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { ByteLine } from "./line.js";

/**
 * A pseudo-terminal by socat: the gateway opens `devicePath` as it would a real port, the device speaks over `line`.
 * The far side is socat's own stdin and stdout, so that no second terminal must be opened, and socat ends by itself when
 * this process is killed.
 */
export interface Pty {
  /** The same for as long as the pty lives, however often the device is plugged in again. */
  readonly devicePath: string;
  readonly line: ByteLine;
  /** Ends socat and removes the path. Never rejects. */
  close(): Promise<void>;
}

export interface PtyOptions {
  readonly journal: Journal;
  /** For the journal: the device's id. */
  readonly at: string;
}

type Socat = ChildProcessByStdio<Writable, Readable, Readable>;

const PROGRAM = "socat";
/** The name in the private folder that leads to the pseudo-terminal. */
const LINK = "port";
/** What socat says when both sides are there and the link is made. */
const READY = "starting data transfer loop";
/** How long socat may take to say it, in ms. */
const START_LIMIT = 5_000;
/** How long it may take to end before it is killed, in ms. */
const END_LIMIT = 2_000;
/** How long the device stays unplugged after socat ended on its own, in ms. */
const REPLUG_AFTER = 1_000;
/** Characters that are kept of what socat says. */
const MAX_SAID = 2_000;

/** Whether socat is installed. */
export function available(path: string = process.env["PATH"] ?? ""): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, PROGRAM), constants.X_OK);
      return folder !== "";
    } catch {
      return false; // not in this folder
    }
  });
}

/** Rejects with PORT_FAILED where socat cannot be started. */
export async function openPty({ journal, at }: PtyOptions): Promise<Pty> {
  const folder = await mkdtemp(join(tmpdir(), "weir-"));
  let hear: (bytes: Uint8Array) => void = () => {};
  let closed = false;
  let socat: Socat | undefined;
  let replug: NodeJS.Timeout | undefined;
  let plugging: Promise<void> = Promise.resolve();

  const plug = async (): Promise<void> => {
    const started = await startSocat(folder);
    if (closed) return endSocat(started);
    socat = started;
    started.stdout.on("data", (chunk: Buffer) => hear(chunk));
    const unplugged = () => {
      socat = undefined;
      if (closed) return;
      const message = `the simulated device was unplugged (socat ended); it is plugged in again in ${REPLUG_AFTER / 1000} s`;
      journal({ level: "warn", event: "simulator_unplugged", at, message });
      plugLater();
    };
    if (started.exitCode !== null || started.signalCode !== null) unplugged();
    else started.once("exit", unplugged);
  };
  const plugLater = (): void => {
    replug = setTimeout(() => {
      plugging = plug().catch((error: unknown) => {
        const message = `the simulated device could not be plugged in again: ${messageOf(error)}`;
        journal({ level: "error", event: "simulator_unplugged", at, message, reason: "failed" });
        if (!closed) plugLater();
      });
    }, REPLUG_AFTER);
  };
  const close = async (): Promise<void> => {
    closed = true;
    clearTimeout(replug);
    await plugging;
    if (socat !== undefined) await endSocat(socat);
    await rm(folder, { recursive: true, force: true }).catch(() => {
      // A folder left behind in the temporary folder harms nobody.
    });
  };

  try {
    await plug();
  } catch (error) {
    await close();
    throw error;
  }
  const line: ByteLine = {
    // What is said while the cable is out is lost, as it is in the field: so it never rejects.
    write: (bytes) =>
      new Promise((resolve) => {
        if (socat === undefined) resolve();
        else socat.stdin.write(bytes, () => resolve());
      }),
    onData: (listener) => {
      hear = listener;
    },
    close,
  };
  return { devicePath: join(folder, LINK), line, close };
}

/** Resolves when the link is there. */
async function startSocat(folder: string): Promise<Socat> {
  // A killed socat leaves its link behind.
  await rm(join(folder, LINK), { force: true });
  // The link is relative to the working directory: a path with a comma in it would be read as an option.
  const child = spawn(PROGRAM, ["-d", "-d", "stdio", `pty,raw,echo=0,link=${LINK}`], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    stdio: ["pipe", "pipe", "pipe"],
    // In a process group of its own: Ctrl-C is for us, and the device is to be there until we close it.
    detached: true,
  });
  // A broken pipe means that socat is gone: its exit event says so.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => {});
  let said = "";
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (what: string) => reject(new WeirError("PORT_FAILED", `socat made no pseudo-terminal: ${what}`));
    const limit = setTimeout(() => fail(`it was not ready within ${START_LIMIT / 1000} s. ${said}`), START_LIMIT);
    const over = () => clearTimeout(limit);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-MAX_SAID);
      if (!said.includes(READY)) return;
      over();
      resolve();
    });
    child.on("error", (error) => {
      over();
      fail(error.message);
    });
    child.once("exit", () => {
      over();
      fail(`it ended. ${said}`);
    });
  });
  try {
    await ready;
  } catch (error) {
    await endSocat(child);
    throw error;
  }
  return child;
}

async function endSocat(child: Socat): Promise<void> {
  // Without a pid it never ran.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), END_LIMIT);
  await ended;
  clearTimeout(kill);
}
