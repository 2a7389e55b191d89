import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";

export interface Program {
  readonly pid: number;
  /** All that it said so far. */
  readonly said: string;
  readonly ended: boolean;
  /** Resolves to its exit code; null where a signal ended it. */
  signal(signal: NodeJS.Signals): Promise<number | null>;
  /** Stands still, or goes on. */
  suspend(still: boolean): void;
}

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** What it says once it is ready. */
  readonly ready: RegExp;
  /** What it says is added to this file. */
  readonly log: string;
  readonly patience?: number;
}

/** Starts a program and waits until it says that it is ready; ends it and rejects with its words if it does not. */
export async function startProgram({ command, args, ready, log, patience = 20_000 }: ProgramOptions): Promise<Program> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const orphaned = (): void => void child.kill("SIGKILL");
  process.once("exit", orphaned);
  child.on("exit", () => process.off("exit", orphaned));
  let said = "";
  let changed = (): void => {};
  const hear = (text: string): void => {
    said += text;
    appendFileSync(log, text);
    changed();
  };
  child.stdout.setEncoding("utf8").on("data", hear);
  child.stderr.setEncoding("utf8").on("data", hear);
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill("SIGKILL");
      reject(new Error(`${command} ${args.join(" ")} ${why}:\n${said}`));
    };
    const timer = setTimeout(() => fail(`was not ready within ${patience} ms`), patience);
    const settle = (): void => {
      clearTimeout(timer);
      changed = () => {};
    };
    changed = () => {
      if (!ready.test(said)) return;
      settle();
      resolve();
    };
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("exit", () => {
      settle();
      fail("ended at its start");
    });
  });
  return {
    pid: child.pid ?? 0,
    get said() {
      return said;
    },
    get ended() {
      return over(child);
    },
    suspend: (still) => void child.kill(still ? "SIGSTOP" : "SIGCONT"),
    signal: async (signal) => {
      if (over(child)) return child.exitCode;
      const ended = once(child, "close");
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

function over(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
