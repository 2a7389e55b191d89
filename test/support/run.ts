import { spawn } from "node:child_process";

export interface Ran {
  readonly code: number | null;
  /** What it said, on both. */
  readonly said: string;
}

/** Runs a program to its end; after `patience` ms it is ended. `input` is what it reads; its end of it is closed. */
export function run(command: string, args: readonly string[], input = "", patience = 15_000): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "pipe", timeout: patience, killSignal: "SIGKILL" });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    child.stdin.on("error", () => {}); // it ended without reading
    child.stdin.end(input);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, said }));
  });
}
