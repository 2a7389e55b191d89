import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { type Random, seeded } from "../support/random.js";

export interface Counts {
  connections: number;
  cuts: number;
  published: number;
  heard: number;
  /** What should not have happened, by its words. */
  readonly failures: Map<string, number>;
}

export interface Churn {
  readonly counts: Counts;
  stop(): Promise<void>;
}

const DURABLE_IDS = 60;
const RETAINED_TOPICS = 100;
/** ms. */
const PATIENCE = 15_000;

/** Clients that come, subscribe, publish, and go in order or not, one after the other in so many lines. */
export function churn(urls: readonly [string, ...string[]], lines: number, seed: number): Churn {
  const counts: Counts = { connections: 0, cuts: 0, published: 0, heard: 0, failures: new Map() };
  let going = true;
  const line = async (index: number): Promise<void> => {
    const random = seeded(seed + index);
    while (going) {
      try {
        await life(urls, index, random, counts);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        counts.failures.set(why, (counts.failures.get(why) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  };
  const running = Array.from({ length: lines }, (_, index) => line(index));
  return {
    counts,
    stop: async () => {
      going = false;
      await Promise.all(running);
    },
  };
}

/** One client, from its CONNECT to its end. Ids are of one line, so that none takes another's session over. */
async function life(
  urls: readonly [string, ...string[]],
  index: number,
  random: Random,
  counts: Counts,
): Promise<void> {
  const durable = random.chance(0.4);
  const own = `${durable ? "durable" : "transient"}-${index}-${durable ? random.between(0, DURABLE_IDS / 20) : random.between(0, 1e9)}`;
  const options: IClientOptions = {
    ...{ clientId: own, reconnectPeriod: 0, connectTimeout: PATIENCE, keepalive: 30, clean: !durable },
    protocolVersion: random.pick([4, 4, 5] as const),
    ...(random.chance(0.3)
      ? { will: { topic: `soak/will/${index}`, payload: Buffer.from("gone"), qos: 1, retain: random.chance(0.2) } }
      : {}),
  };
  if (durable && options.protocolVersion === 5) options.properties = { sessionExpiryInterval: 20 };
  const client = await mqtt.connectAsync(random.pick(urls), options);
  client.on("error", () => {}); // what is lost shows in what waits for it
  counts.connections++;
  try {
    await busy(client, own, index, random, counts);
  } finally {
    const closed = new Promise((resolve) => client.stream.once("close", resolve));
    if (random.chance(0.4)) {
      counts.cuts++;
      client.stream.destroy();
    } else client.end();
    await closed;
    client.end(true);
  }
}

async function busy(client: MqttClient, own: string, index: number, random: Random, counts: Counts): Promise<void> {
  const answers = new Set<string>();
  let changed = (): void => {};
  client.on("message", (topic, payload) => {
    counts.heard++;
    if (topic === `soak/own/${own}`) answers.add(payload.toString());
    changed();
  });
  // What waits for a client that is away is to stay little: its bounds are other tests'.
  const others =
    client.options.clean === false ? [`soak/retained/${index}`, "soak/will/#"] : ["soak/all/#", "soak/retained/+"];
  await client.subscribeAsync([`soak/own/${own}`, others[random.between(0, 1)] ?? "#"], {
    qos: random.pick([1, 2] as const),
  });
  for (let rounds = random.between(1, 12); rounds > 0; rounds--) {
    const payload = `${Date.now()} ${"x".repeat(random.between(0, 2_000))}`;
    const qos = random.pick([0, 1, 2] as const);
    if (random.chance(0.3)) {
      const topic = `soak/retained/${random.between(0, RETAINED_TOPICS)}`;
      await client.publishAsync(topic, random.chance(0.4) ? "" : payload, { qos, retain: true });
    } else await client.publishAsync(`soak/all/${index}`, payload, { qos });
    const asked = `${rounds} ${random.next()}`;
    await client.publishAsync(`soak/own/${own}`, asked, { qos: random.pick([1, 2] as const) });
    counts.published += 2;
    const until = Date.now() + PATIENCE;
    while (!answers.has(asked)) {
      if (Date.now() > until) throw new Error("its own message did not come back");
      await new Promise<void>((resolve) => {
        changed = resolve;
        setTimeout(resolve, 200).unref();
      });
    }
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 60)));
  }
}
