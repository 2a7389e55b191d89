import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Gateway, startGateway } from "../../src/gateway.js";
import { createRecorder } from "../../src/journal.js";
import { makePlan } from "../../src/plan.js";
import { temporaryFolder } from "./folder.js";

export interface GatewaySettings {
  readonly id?: string;
  /** Hears the log from `info` on. */
  readonly log?: (line: string) => void;
}

/** A gateway with these bridges, a YAML list, through the real loader. Its folder and itself end with the test. */
export async function startGatewayWith(
  t: TestContext,
  bridges: string,
  { id = "g", log }: GatewaySettings = {},
): Promise<Gateway> {
  const folder = temporaryFolder("weir-gateway-");
  const file = join(folder, "weir.yaml");
  writeFileSync(file, `gateway: { id: ${id} }\nbroker: { listeners: [tcp://127.0.0.1:0] }\nbridges: ${bridges}\n`);
  const recorder = createRecorder({
    level: log === undefined ? "error" : "info",
    format: "text",
    write: log ?? ((line) => t.diagnostic(line)),
    now: Date.now,
  });
  const gateway = await startGateway({ plan: makePlan({ file, set: [], env: {} }), recorder });
  t.after(() => gateway.close());
  return gateway;
}

/** How often the gateway said so since it started. */
export function count(gateway: Gateway, event: string): number {
  return gateway
    .counters()
    .filter((counter) => counter.event === event)
    .reduce((sum, counter) => sum + counter.count, 0);
}
