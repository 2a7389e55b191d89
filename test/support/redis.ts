import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { locate } from "./peers.js";
import { steadyPorts } from "./ports.js";
import { type Program, startProgram } from "./program.js";

export interface RedisServer {
  /** `redis://127.0.0.1:PORT`, without a password. */
  readonly url: string;
  readonly port: number;
  kill(): Promise<void>;
  /** Again, with what it had stored. */
  start(): Promise<void>;
}

/** A Redis of the test's own on 127.0.0.1 that stores before it answers, ended with the test. `needs("redis-server")` goes with it. */
export async function startRedis(t: TestContext, ...settings: string[]): Promise<RedisServer> {
  const [port = 0] = await steadyPorts(1);
  const folder = mkdtempSync(join(tmpdir(), "weir-redis-"));
  const launch = (): Promise<Program> =>
    startProgram({
      command: locate("redis-server") ?? "redis-server",
      args: `--port ${port} --bind 127.0.0.1 --dir ${folder} --save  --appendonly yes --appendfsync always`
        .split(" ")
        .concat(settings),
      ready: /Ready to accept connections/,
      log: join(folder, "redis.log"),
    });
  let program = await launch();
  t.after(async () => {
    await program.signal("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill: async () => void (await program.signal("SIGKILL")),
    start: async () => {
      program = await launch();
    },
  };
}
