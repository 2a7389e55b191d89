import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locate } from "./peers.js";

/** Two pseudo-terminals that are one wire: what is written to one end is read from the other. */
export interface Pty {
  /** The end that the gateway opens. The same path after every `plug`. */
  readonly near: string;
  /** The end that plays the device. */
  readonly far: string;
  /** Pulls the plug: both paths vanish, whoever has them open is hung up. Resolves when socat has exited. */
  unplug(): Promise<void>;
  /** Plugs in again, under the same paths. */
  plug(): Promise<void>;
  /** Unplugs, and removes the folder of the paths. */
  close(): Promise<void>;
}

const READY = "starting data transfer loop";
const START_LIMIT = 10_000;

/** Opens a pair by Debian's socat: guard the test with `needs("socat")`. */
export async function openPty(): Promise<Pty> {
  const folder = await mkdtemp(join(tmpdir(), "weir-pty-"));
  const near = join(folder, "near");
  const far = join(folder, "far");
  let end = await startSocat(near, far);
  return {
    near,
    far,
    unplug: () => end(),
    plug: async () => {
      await end();
      end = await startSocat(near, far);
    },
    close: async () => {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Returns what ends it: only the process that was started here, by its id. */
async function startSocat(near: string, far: string): Promise<() => Promise<void>> {
  const socat = locate("socat");
  if (socat === undefined) throw new Error("socat is missing: npm run setup:peers installs it");
  const side = (link: string) => `pty,raw,echo=0,link=${link}`;
  const child = spawn(socat, ["-d", "-d", side(near), side(far)], { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  let said = "";
  await new Promise<void>((resolve, reject) => {
    const timeout = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`socat was not ready within ${START_LIMIT / 1000} s: ${said}`));
    }, START_LIMIT);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      // Read on for ever, kept only until it is ready: a full pipe would stop socat.
      if (said.length < 10_000) said += text;
      if (said.includes(READY)) {
        clearTimeout(timeout);
        resolve();
      }
    });
    exited.then(
      () => {
        clearTimeout(timeout);
        reject(new Error(`socat ended: ${said}`));
      },
      (error: unknown) => {
        clearTimeout(timeout);
        reject(error);
      },
    );
  });
  return async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await exited;
  };
}
