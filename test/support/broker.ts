import type { TestContext } from "node:test";
import { everyone } from "../../src/broker/access/everyone.js";
import { type Broker, type BrokerOptions, openBroker } from "../../src/broker/broker.js";
import type { Address } from "../../src/broker/listeners.js";
import { memoryStore } from "../../src/broker/store/memory.js";

export interface TestBroker extends Broker {
  /** TCP first, then WebSocket. */
  readonly urls: readonly string[];
  readonly port: number;
}

export function tcp(port = 0): Address {
  return { scheme: "tcp", host: "127.0.0.1", port };
}

/** One of ours that listens on 127.0.0.1 and ends with the test. */
export async function startBroker(t: TestContext, options: Partial<BrokerOptions> = {}, port = 0): Promise<TestBroker> {
  const broker = await openBroker({
    id: "test",
    version: "0",
    sys: 0,
    admit: () => undefined,
    journal: () => {},
    access: everyone,
    store: memoryStore(),
    ...options,
  });
  t.after(() => broker.close());
  const urls = await broker.listen([tcp(port), { ...tcp(), scheme: "ws" }]);
  return Object.assign(broker, { urls, port: Number(new URL(urls[0] ?? "").port) });
}
