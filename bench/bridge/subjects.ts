import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import { promisify } from "node:util";
import { freePort, MAIN, type Subject, start } from "../subject.js";

/** What all parts of this benchmark need. */
export interface Setup {
  /** A temporary one: everything is below it. */
  readonly folder: string;
  /** Paths of the programs. */
  readonly mosquitto: string;
  readonly mqttload: string;
  readonly say: (line: string) => void;
}

/** A broker on 127.0.0.1 that this benchmark started. */
export interface Running extends Subject {
  readonly port: number;
  readonly pid: number;
}

/** A bridge to measure: how to start it before an upstream on this port. */
export interface Contestant {
  readonly name: string;
  start(upstream: number): Promise<Running>;
}

/** Messages on their way at once, of Weir's bridge and of mosquitto's where that bounds them. */
export const WINDOW = 1000;
/** What the bridges carry: mqttload publishes below it. */
export const LOAD_FILTER = "load/#";

/**
 * mosquitto without bounds on what it holds. `inflight` 0 is none either: at QoS 2 mosquitto 2.0.11 stalls as soon as it
 * must queue beyond that bound. But without it more than 65,535 waiting messages share packet ids.
 */
export function settings(port: number, inflight: 0 | typeof WINDOW): string {
  return `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages ${inflight}\n`;
}

export async function startMosquitto(setup: Setup, port: number, text: string): Promise<Running> {
  const file = join(await mkdtemp(join(setup.folder, "mosquitto-")), "mosquitto.conf");
  await writeFile(file, text);
  return running(await start(setup.mosquitto, ["-c", file], port), port);
}

/** mosquitto that bridges. With persistence it writes all it holds into its file each second. */
export function mosquittoBridge(
  setup: Setup,
  options: { readonly persistence: boolean; readonly inflight: 0 | typeof WINDOW; readonly filter?: string },
): Contestant {
  const { persistence, inflight, filter = LOAD_FILTER } = options;
  return {
    name: `mosquitto, ${persistence ? "persistent" : "in memory"}`,
    start: async (upstream) => {
      const port = await freePort();
      const state = await mkdtemp(join(setup.folder, "state-"));
      const kept = `persistence true\npersistence_location ${state}/\nautosave_interval 1\n`;
      const connection = [
        // Both kinds make their client ids of it, and two at one upstream may not have the same.
        `connection up-${port}`,
        `address 127.0.0.1:${upstream}`,
        `topic ${filter} out 2`,
        "cleansession false",
        "notifications false",
        "restart_timeout 1",
        "bridge_protocol_version mqttv311",
      ];
      const text = `${settings(port, inflight)}${persistence ? kept : ""}${connection.join("\n")}\n`;
      return startMosquitto(setup, port, text);
    },
  };
}

/** Weir as it is run, with a bridge. `bridge` are further keys of it. */
export function weir(
  setup: Setup,
  durability: "commit" | "none",
  bridge: Readonly<Record<string, unknown>> = {},
): Contestant {
  return {
    name: `weir, ${durability}`,
    start: async (upstream) => {
      const port = await freePort();
      const file = await writeConfig(setup, port, upstream, durability, bridge);
      return running(await start(execPath, [MAIN, "run", file], port), port);
    },
  };
}

/** Starts it again where it ended, with all it had: a gateway after `kill -9`. */
export async function again(before: Running): Promise<Running> {
  const [program = "", ...args] = before.process.spawnargs;
  return running(await start(program, args, before.port), before.port);
}

/** Whether this build, on this Node, knows such a bridge: `weir check` says so. */
export async function accepts(setup: Setup, bridge: Readonly<Record<string, unknown>>): Promise<boolean> {
  const file = await writeConfig(setup, 1, 1, "commit", bridge);
  try {
    await promisify(execFile)(execPath, [MAIN, "check", file]);
    return true;
  } catch {
    return false;
  }
}

async function writeConfig(
  setup: Setup,
  port: number,
  upstream: number,
  durability: string,
  bridge: Readonly<Record<string, unknown>>,
): Promise<string> {
  const folder = await mkdtemp(join(setup.folder, "weir-"));
  const file = join(folder, "weir.yaml");
  const config = {
    gateway: { id: "bench", state: join(folder, "state") },
    log: { level: "warn" },
    broker: { listeners: [`tcp://127.0.0.1:${port}`] },
    bridges: [
      {
        id: `up-${port}`,
        url: `mqtt://127.0.0.1:${upstream}`,
        window: WINDOW,
        outbox: { durability, whenFull: "refuse", maxMessages: 20_000_000, maxBytes: "16GiB" },
        rules: [{ filter: LOAD_FILTER, direction: "out" }],
        ...bridge,
      },
    ],
  };
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  return file;
}

function running(subject: Subject, port: number): Running {
  return { ...subject, port, pid: subject.process.pid ?? 0 };
}
