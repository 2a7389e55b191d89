import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { decodeBatch } from "../../src/protocols/batch/index.js";
import { locate } from "../support/peers.js";
import { freePort } from "../support/ports.js";
import { type Program, startProgram } from "../support/program.js";
import { tail } from "../support/strict-upstream/ledger.js";
import type { StrictSettings } from "../support/strict-upstream/main.js";
import type { Application, Method, ViolationKind } from "../support/strict-upstream/session.js";
import type { Arrival, Qos } from "./compare.js";

/** Where batches go. */
const BATCHES = "weir/$gateway/g/batch";
const STRICT = join(import.meta.dirname, "..", "support", "strict-upstream", "main.js");

/** Where the gateway's messages end. */
export interface Upstream {
  readonly port: number;
  /** Ports of further servers, which are always well. */
  readonly others: readonly number[];
  /** `kill -9` where it survives that, else its orderly stop. */
  end(): Promise<void>;
  start(): Promise<void>;
  /** All that arrived so far, in order. */
  arrivals(): readonly Arrival[];
  violations(): readonly { readonly kind: ViolationKind; readonly text: string }[];
  close(): Promise<void>;
}

export interface StrictChoice {
  readonly method: Method;
  readonly delay: number;
  readonly receiveMaximum: number | undefined;
  readonly seed: number;
}

/** One, or two that share no sessions. */
export async function strictUpstream(folder: string, choice: StrictChoice, servers: 1 | 2 = 1): Promise<Upstream> {
  const first = await openStrict(folder, "upstream", choice);
  if (servers === 1) return first;
  const second = await openStrict(folder, "second", choice);
  const arrivals: Arrival[] = [];
  const seen = [0, 0];
  return {
    ...first,
    others: [second.port],
    arrivals: () => {
      for (const [index, server] of [first, second].entries()) {
        const all = server.arrivals();
        arrivals.push(...all.slice(seen[index]));
        seen[index] = all.length;
      }
      return arrivals;
    },
    violations: () => [...first.violations(), ...second.violations()],
    close: async () => {
      await second.close();
      await first.close();
    },
  };
}

async function openStrict(folder: string, name: string, choice: StrictChoice): Promise<Upstream> {
  const port = await freePort();
  const { receiveMaximum, ...others } = choice;
  const ledger = join(folder, `${name}.ledger`);
  const settings: StrictSettings = {
    ...others,
    port,
    ledger,
    ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
  };
  const reader = tail(ledger);
  const arrivals: Arrival[] = [];
  const violations: { kind: ViolationKind; text: string }[] = [];
  const read = (): void => {
    for (const entry of reader.read()) {
      if (entry.at === "violation") violations.push(entry);
      // States such as the gateway's own presence are retained; what is counted here is not.
      else if ("owned" in entry && entry.owned !== undefined) arrivals.push(...ofSenders(entry.owned));
    }
  };
  const launch = (): Promise<Program> =>
    startProgram({
      command: process.execPath,
      args: [STRICT, JSON.stringify(settings)],
      ready: /is ready$/m,
      log: join(folder, `${name}.log`),
    });
  let program = await launch();
  return {
    port,
    others: [],
    end: async () => void (await program.signal("SIGKILL")),
    start: async () => {
      program = await launch();
    },
    arrivals: () => {
      read();
      return arrivals;
    },
    violations: () => {
      read();
      return violations;
    },
    close: async () => {
      await program.signal("SIGKILL");
      reader.close();
    },
  };
}

/** mosquitto keeps nothing over `kill -9`, so it is stopped in order; it judges nobody. A subscriber hears what it took. */
export async function mosquittoUpstream(folder: string): Promise<Upstream> {
  const port = await freePort();
  const place = join(folder, "mosquitto");
  mkdirSync(place);
  const config = join(folder, "mosquitto.conf");
  writeFileSync(
    config,
    `listener ${port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location ${place}/
max_queued_messages 0
log_dest stderr
log_type all
user root
`,
  );
  const launch = (): Promise<Program> =>
    startProgram({
      command: locate("mosquitto") ?? "mosquitto",
      args: ["-c", config],
      ready: / running$/m,
      log: join(folder, "upstream.log"),
    });
  let program = await launch();
  const arrivals: Arrival[] = [];
  const observer = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    clientId: "observer",
    clean: false,
    reconnectPeriod: 50,
  });
  observer.on("error", () => {}); // it tries again
  observer.on("message", (topic, payload, { qos, retain }) => {
    arrivals.push(...ofSenders({ topic, payload: payload.toString("latin1"), qos: qos as Qos, retain }));
  });
  await observer.subscribeAsync(["weir/+/n", BATCHES], { qos: 2 });
  return {
    port,
    others: [],
    end: async () => void (await program.signal("SIGTERM")),
    start: async () => {
      program = await launch();
    },
    arrivals: () => arrivals,
    violations: () => [],
    close: async () => {
      await observer.endAsync(true);
      await program.signal("SIGTERM");
    },
  };
}

/** Messages of senders: all that came, or what is in it if it is a batch, without what the gateway says about itself, and tries out. */
function ofSenders({ topic, payload, qos, retain }: Application): Arrival[] {
  if (topic !== BATCHES) return retain || topic.includes("/$gateway/") ? [] : [{ topic, payload, qos }];
  const { messages } = decodeBatch(Buffer.from(payload, "latin1"));
  return messages.flatMap((each) => ofSenders({ ...each, payload: Buffer.from(each.payload).toString("latin1") }));
}
