import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/ports.js";
import { type Program, startProgram } from "../support/program.js";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.js");

/** The real gateway as a process. */
export interface Gateway {
  /** Where local clients connect. */
  readonly port: number;
  /** It ended without being told to. */
  readonly crashed: boolean;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** In order: it carries what waits, for as long as its patience lasts. */
  stop(): Promise<void>;
}

export interface GatewayOptions {
  /** Of its configuration and its log. */
  readonly folder: string;
  /** Of its outbox. */
  readonly state: string;
  readonly upstreamPort: number;
  readonly protocol: 4 | 5;
}

export async function startGatewayProcess({ folder, state, upstreamPort, protocol }: GatewayOptions): Promise<Gateway> {
  const port = await freePort();
  const config = join(folder, "weir.yaml");
  // The shortest keep alive: a frozen link is found in seconds.
  writeFileSync(
    config,
    `gateway: { id: g, state: ${JSON.stringify(state)} }
broker: { listeners: ["tcp://127.0.0.1:${port}"] }
bridges: [{ id: up, url: "mqtt://127.0.0.1:${upstreamPort}", protocol: ${protocol}, keepAlive: 1s }]
`,
  );
  const launch = (): Promise<Program> =>
    startProgram({
      command: process.execPath,
      args: [MAIN, "run", config],
      ready: / ready$/m,
      log: join(folder, "gateway.log"),
    });
  let program = await launch();
  let told = false;
  return {
    port,
    get crashed() {
      return program.ended && !told;
    },
    kill: async () => {
      told = true;
      await program.signal("SIGKILL");
    },
    start: async () => {
      program = await launch();
      told = false;
    },
    stop: async () => {
      told = true;
      await program.signal("SIGTERM");
    },
  };
}
