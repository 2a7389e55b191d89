import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { steadyPorts } from "./ports.js";
import { type Program, startProgram } from "./program.js";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.js");

/** The real gateway with a configuration file, until it is ready; killed with the test. */
export async function runGateway(t: TestContext, config: string): Promise<Program> {
  // Apart from the configuration, whose folder may go first: it writes until it is killed.
  const folder = mkdtempSync(join(tmpdir(), "weir-gateway-log-"));
  const program = await launch(config, join(folder, "gateway.log"));
  t.after(async () => {
    await program.signal("SIGKILL");
    rmSync(folder, { recursive: true });
  });
  return program;
}

function launch(config: string, log: string): Promise<Program> {
  return startProgram({ command: process.execPath, args: [MAIN, "run", config], ready: / ready$/m, log });
}

/** The real gateway as a process. */
export interface GatewayProcess {
  /** Where local clients connect. */
  readonly port: number;
  readonly url: string;
  /** The folder of its state. */
  readonly state: string;
  /** What it said since it was started the last time. */
  readonly said: string;
  /** It ended without being told to. */
  readonly crashed: boolean;
  kill(): Promise<void>;
  /** It stands still, as a machine that sleeps. */
  freeze(): void;
  thaw(): void;
  start(): Promise<void>;
  /** In order: it carries what waits, for as long as its patience lasts. */
  stop(): Promise<void>;
}

export interface GatewayProcessOptions {
  /** Of its configuration and its log. */
  readonly folder: string;
  /** Of its outbox. */
  readonly state: string;
  /** A YAML list. */
  readonly bridges?: string;
  readonly id?: string;
  /** More settings of `broker`, in YAML. */
  readonly broker?: string;
}

export async function openGatewayProcess({
  folder,
  state,
  bridges = "[]",
  id = "g",
  broker = "",
}: GatewayProcessOptions): Promise<GatewayProcess> {
  const [port = 0] = await steadyPorts(1);
  const config = join(folder, "weir.yaml");
  writeFileSync(
    config,
    `gateway: { id: ${id}, state: ${JSON.stringify(state)} }
broker: { listeners: ["tcp://127.0.0.1:${port}"], ${broker} }
bridges: ${bridges}
`,
  );
  const log = join(folder, "gateway.log");
  let program = await launch(config, log);
  let told = false;
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    state,
    get said() {
      return program.said;
    },
    get crashed() {
      return program.ended && !told;
    },
    freeze: () => program.suspend(true),
    thaw: () => program.suspend(false),
    kill: async () => {
      told = true;
      await program.signal("SIGKILL");
    },
    start: async () => {
      program = await launch(config, log);
      told = false;
    },
    stop: async () => {
      told = true;
      await program.signal("SIGTERM");
    },
  };
}

/** One that ends with the test, and its folder too. */
export async function startGatewayProcess(
  t: TestContext,
  bridges: string,
  settings: Pick<GatewayProcessOptions, "id" | "broker"> = {},
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), "weir-gateway-"));
  const state = join(folder, "state");
  mkdirSync(state);
  const gateway = await openGatewayProcess({ folder, state, bridges, ...settings });
  t.after(async () => {
    await gateway.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return gateway;
}
