import type { Problem } from "../../../src/core/adapter.js";
import { type Device, pathOf } from "../posted/targets.js";
import type { PubSubSettings } from "./config.js";

/** The first segments of paths that are the gateway's. */
export const OWN: ReadonlySet<string> = new Set(["ps", "mqtt"]);

/** Devices whose path is the gateway's, and messages that would be larger than a request may be. */
export function gatewayProblems(
  { pubsub, maxPayload }: { readonly pubsub?: PubSubSettings | undefined; readonly maxPayload: number },
  posting: readonly Device[],
): Problem[] {
  if (pubsub === undefined) return [];
  const problems: Problem[] = [];
  if (pubsub.maxPayload !== undefined && pubsub.maxPayload > maxPayload) {
    const message = `must be ${maxPayload} at most, which is adapters.coap.maxPayload`;
    problems.push({ path: ["pubsub", "maxPayload"], message });
  }
  for (const device of posting) {
    const path = pathOf(device);
    if (!OWN.has(path.split("/")[0] ?? "")) continue;
    const message = `the path /${path} belongs to adapters.coap.pubsub`;
    problems.push({ device: device.id, path: ["address"], message });
  }
  return problems;
}
