import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { execPath } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { freeUdpPort } from "../../test/support/ports.js";
import type { Command, Cores } from "../cores.js";

/** ms after which a server that does not answer has failed. */
const PATIENCE_MS = 30_000;
/** CON GET /.well-known/core, without a token. */
const ASK = Buffer.from("40010001" + "bb2e77656c6c2d6b6e6f776e" + "04636f7265", "hex");

/** A server to measure. */
export interface Server {
  readonly name: string;
  /** How it is started so that it listens there on 127.0.0.1. */
  command(port: number): Command;
  /** Where it takes a body, and by which method. */
  readonly takes: { readonly method: "post" | "put"; readonly path: string };
  /** What can be observed. */
  readonly observable: string;
}

export interface Running {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

const readings = { method: "post", path: "readings" } as const;

/** The library alone, without a gateway. */
export const weir: Server = {
  name: "weir",
  command: (port) => [execPath, join(import.meta.dirname, "weir-server.js"), String(port)],
  takes: readings,
  observable: "state",
};

/** npm's coap 1.5.0, as it comes. */
export const npm: Server = {
  name: "npm coap",
  command: (port) => [execPath, join(import.meta.dirname, "npm-server.js"), String(port)],
  takes: readings,
  observable: "state",
};

/** libcoap's example server, which takes a body by PUT only, and whose clock is what can be observed. */
export function libcoap(program: string): Server {
  return {
    name: "libcoap",
    command: (port) => [program, "-A", "127.0.0.1", "-p", String(port), "-v", "0"],
    takes: { method: "put", path: "example_data" },
    observable: "time",
  };
}

/** A server on its core, for as long as this takes. */
export async function withServer<Result>(
  server: Server,
  cores: Cores,
  use: (running: Running) => Promise<Result>,
): Promise<Result> {
  const port = await freeUdpPort();
  const [program, ...args] = cores.subject(server.command(port));
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  try {
    await answered(child, port);
    return await use({ port, pid: child.pid ?? 0, stop: () => stop(child) });
  } catch (error) {
    throw new Error(`${server.name}: ${error instanceof Error ? error.message : error}\n${said}`, { cause: error });
  } finally {
    await stop(child);
  }
}

/** Until it answers anything at all. */
async function answered(child: ChildProcess, port: number): Promise<void> {
  const socket = createSocket("udp4");
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => {});
  try {
    let heard = false;
    socket.on("message", () => {
      heard = true;
    });
    socket.on("error", () => {}); // nobody listens yet
    const end = Date.now() + PATIENCE_MS;
    while (!heard) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`no answer on port ${port}`);
      socket.send(ASK, port, "127.0.0.1", () => {});
      await Promise.race([delay(50), failed]);
    }
  } finally {
    socket.close();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
