import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { locate } from "../support/peers.js";
import { freePort } from "../support/ports.js";
import { type Program, startProgram } from "../support/program.js";
import { tail } from "../support/strict-upstream/ledger.js";
import type { StrictSettings } from "../support/strict-upstream/main.js";
import type { Method, ViolationKind } from "../support/strict-upstream/session.js";
import type { Arrival, Qos } from "./compare.js";

const STRICT = join(import.meta.dirname, "..", "support", "strict-upstream", "main.js");

/** Where the gateway's messages end. */
export interface Upstream {
  readonly port: number;
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

export async function strictUpstream(folder: string, choice: StrictChoice): Promise<Upstream> {
  const port = await freePort();
  const { receiveMaximum, ...others } = choice;
  const ledger = join(folder, "upstream.ledger");
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
      else if ("owned" in entry && entry.owned !== undefined && ofSender(entry.owned)) arrivals.push(entry.owned);
    }
  };
  const launch = (): Promise<Program> =>
    startProgram({
      command: process.execPath,
      args: [STRICT, JSON.stringify(settings)],
      ready: /is ready$/m,
      log: join(folder, "upstream.log"),
    });
  let program = await launch();
  return {
    port,
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
    if (ofSender({ topic, retain })) arrivals.push({ topic, payload: payload.toString("latin1"), qos: qos as Qos });
  });
  await observer.subscribeAsync("weir/+/n", { qos: 2 });
  return {
    port,
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

/** What the gateway says about itself, and tries out, is no message of a sender. */
function ofSender({ topic, retain }: { readonly topic: string; readonly retain: boolean }): boolean {
  return !retain && !topic.includes("/$gateway/");
}
