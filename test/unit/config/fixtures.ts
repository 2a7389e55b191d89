import { z } from "zod";
import type { CheckOptions } from "../../../src/config/index.js";
import { type AdapterSchemas, type LoadedConfig, type LoadOptions, loadConfig } from "../../../src/config/index.js";

/** Two adapters with every form of address; the real ones have tests of their own. */
export const adapters: readonly AdapterSchemas[] = [
  {
    name: "serial",
    settings: z.strictObject({}),
    address: z.union([
      z.string().describe("Path of the port."),
      z.strictObject({ path: z.string().describe("Path of the port.") }),
      z.strictObject({ vendorId: z.string(), productId: z.string() }),
    ]),
  },
  {
    name: "coap",
    settings: z.strictObject({
      listen: z.string().default("udp://127.0.0.1:5683").describe("Where it listens."),
      psk: z.string().exactOptional(),
    }),
    address: z.union([z.string(), z.strictObject({ path: z.string().exactOptional() })]).default({}),
  },
];

/** The profile `test/climate`, and one that cannot be read. */
export const profiles: CheckOptions = {
  resourcesOf: (name) => {
    if (name === "broken") throw new Error("the profile has errors");
    return name === "test/climate" ? ["temperature", "humidity"] : undefined;
  },
  profiles: () => ["test/climate", "test/other"],
};

export function load(text: string, options: Partial<LoadOptions> = {}): LoadedConfig {
  return loadConfig({ file: "weir.yaml", text, env: {}, set: [], adapters, hostname: "plant", ...options });
}
