import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.js";

/** A program that is talked to. */
export interface Dialogue {
  /** All that it said so far, on both. */
  readonly said: string;
  say(text: string): void;
  /** Waits until it has said something that matches; fails with its words if it does not. */
  hears(pattern: string): Promise<void>;
  /** Ends it. */
  end(): Promise<void>;
}

/** Starts a program that ends with the test. */
export function startDialogue(t: TestContext, command: string, args: readonly string[]): Dialogue {
  const child = spawn(command, args, { stdio: "pipe" });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  child.stdin.on("error", () => {}); // it ended without reading
  child.once("error", (error) => {
    said += error.message;
  });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  t.after(end);
  return {
    get said() {
      return said;
    },
    say: (text) => void child.stdin.write(text),
    hears: async (pattern) => {
      const matcher = new RegExp(pattern);
      await eventually(() => matcher.test(said), `${command} says ${pattern}`, 10_000).catch((error: Error) => {
        throw new Error(`${error.message}:\n${said}`);
      });
    },
    end,
  };
}
