import type { TestContext } from "node:test";
import { everyone } from "../../src/broker/access/everyone.js";
import { type Broker, type BrokerOptions, openBroker } from "../../src/broker/broker.js";
import type { Limits } from "../../src/broker/limits.js";
import { memoryStore } from "../../src/broker/store/memory.js";
import { limits } from "../../src/config/broker-schema.js";
import type { NetAddress } from "../../src/config/index.js";
import { queue } from "../../src/config/session-schema.js";

export interface TestBroker extends Broker {
  /** TCP first, then WebSocket. */
  readonly urls: readonly string[];
  readonly port: number;
}

/** What a configuration has that says nothing of limits. */
export const usualLimits: Limits = { ...limits.parse(undefined), queue: queue.parse(undefined) };

export function tcp(port = 0): NetAddress & { readonly scheme: "tcp" | "ws" } {
  return { scheme: "tcp", host: "127.0.0.1", port, url: `tcp://127.0.0.1:${port}` };
}

/** What a test says otherwise. */
export type Otherwise = Partial<Omit<BrokerOptions, "limits">> & {
  readonly limits?: Partial<Omit<Limits, "queue">> & { readonly queue?: Partial<Limits["queue"]> };
};

/** What is the same in all of ours: everyone may everything, and nothing is kept. */
export function brokerOptions({ limits, ...options }: Otherwise = {}): BrokerOptions {
  return {
    id: "test",
    version: "0",
    sys: 0,
    admit: () => undefined,
    journal: () => {},
    access: everyone,
    openStore: async () => memoryStore(),
    limits: { ...usualLimits, ...limits, queue: { ...usualLimits.queue, ...limits?.queue } },
    ...options,
  };
}

/** One of ours that listens on 127.0.0.1 and ends with the test. */
export async function startBroker(t: TestContext, options: Otherwise = {}, port = 0): Promise<TestBroker> {
  const broker = await openBroker(brokerOptions(options));
  t.after(() => broker.close());
  const urls = await broker.listen([tcp(port), { ...tcp(), scheme: "ws" }]);
  return Object.assign(broker, { urls, port: Number(new URL(urls[0] ?? "").port) });
}
