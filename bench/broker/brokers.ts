import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import { LOAD_FILTER, settings, WINDOW } from "../bridge/subjects.js";
import type { Command, Cores } from "../cores.js";
import { freePort, MAIN, type Subject, start } from "../subject.js";

/** What all parts of this benchmark need. */
export interface Setup {
  /** A temporary one: everything is below it. */
  readonly folder: string;
  /** Paths of the programs. */
  readonly mosquitto: string;
  readonly mqttload: string;
  readonly cores: Cores;
  readonly say: (line: string) => void;
}

export interface Running extends Subject {
  readonly port: number;
  readonly pid: number;
}

/** A broker to measure. */
export interface Broker {
  readonly name: string;
  /** Starts it on its core. What it writes is below the folder. */
  start(setup: Setup, folder: string): Promise<Running>;
}

/** Keys of Weir's configuration, beside those that make it listen. */
export type Keys = Readonly<Record<string, unknown>>;

/** The whole gateway as it is run, without devices. */
export function weir(keys: Keys = {}): Broker {
  return {
    name: "weir",
    start: async (setup, folder) => {
      const port = await freePort();
      const file = join(folder, "weir.yaml");
      const config = {
        gateway: { id: "bench", state: join(folder, "state") },
        log: { level: "warn" },
        broker: { listeners: [`tcp://127.0.0.1:${port}`] },
        devices: [],
        ...keys,
      };
      // JSON is YAML.
      await writeFile(file, JSON.stringify(config));
      return running(setup, [execPath, MAIN, "run", file], port);
    },
  };
}

/** A bridge that takes all of the load and whose upstream is away: each PUBACK waits until the message is on the disk. */
export const DURABLE: Keys = {
  bridges: [
    {
      id: "up",
      // Nobody listens there.
      url: "mqtt://127.0.0.1:1",
      window: WINDOW,
      outbox: { durability: "commit", whenFull: "refuse", maxMessages: 20_000_000, maxBytes: "16GiB" },
      rules: [{ filter: LOAD_FILTER, direction: "out" }],
    },
  ],
};

/** Debian's, all in memory and without bounds on what it holds. */
export const mosquitto: Broker = {
  name: "mosquitto",
  start: async (setup, folder) => {
    const port = await freePort();
    const file = join(folder, "mosquitto.conf");
    await writeFile(file, settings(port, 0));
    return running(setup, [setup.mosquitto, "-c", file], port);
  },
};

/** The library that routes in Weir, alone. */
export const aedes: Broker = {
  name: "aedes",
  start: async (setup) => {
    const port = await freePort();
    return running(setup, [execPath, join(import.meta.dirname, "plain-aedes.js"), String(port)], port);
  },
};

async function running(setup: Setup, command: Command, port: number): Promise<Running> {
  const [program, ...args] = setup.cores.subject(command);
  const subject = await start(program, args, port);
  return { ...subject, port, pid: subject.process.pid ?? 0 };
}
