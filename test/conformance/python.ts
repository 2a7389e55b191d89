import { spawn } from "node:child_process";
import { once } from "node:events";
import { locate } from "../support/peers.js";

export interface PythonRun {
  /** null: it took too long and was ended. */
  readonly code: number | null;
  /** All that it said, in order. */
  readonly said: string;
}

export interface PythonOptions {
  readonly args: readonly string[];
  readonly folder: string;
  /** ms. */
  readonly patience: number;
}

/** More than any test says; what comes after it is not kept. */
const MOST = 4_000_000;

export function locatePython(): string {
  const found = locate("python3");
  if (found === undefined) throw new Error("python3 is needed to run the suites, and is not installed");
  return found;
}

/** Runs a script, and ends whatever it started and left behind. */
export async function python(command: string, { args, folder, patience }: PythonOptions): Promise<PythonRun> {
  const child = spawn(command, args, {
    cwd: folder,
    // A process group of its own, so that a broker that the script started ends with it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    // The checkout stays as it is, and what was said before a kill is heard.
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" },
  });
  const endAll = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // nothing of the group is left
    }
  };
  process.once("exit", endAll);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      if (said.length < MOST) said += text;
    });
  }
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endAll();
  }, patience);
  const closed = once(child, "close");
  await once(child, "exit");
  clearTimeout(timer);
  endAll();
  await closed;
  process.off("exit", endAll);
  return { code: late ? null : child.exitCode, said };
}
