import type { AdapterModule } from "../src/core/adapter.js";
import type { Profile } from "../src/profile/index.js";
import { listenAddress, type Settings } from "./coap/config.js";
import { coap } from "./coap/index.js";
import { type FarDevice, mockPorts, openSystemPort, serialAdapter } from "./serial/index.js";

export { type FarDevice, type FarSide, listPorts, openSystemPort } from "./serial/index.js";

/**
 * Every adapter there is.
 * @param simulated what is at the far side of ports that exist in this process only, by path. May be filled later.
 */
export function createAdapters(
  simulated: ReadonlyMap<string, FarDevice> = new Map(),
): readonly AdapterModule<Profile>[] {
  const openSimulated = mockPorts(simulated);
  const serial = serialAdapter({
    openPort: (path, ...rest) => (simulated.has(path) ? openSimulated : openSystemPort)(path, ...rest),
  });
  return [serial, coap];
}

export const adapters: readonly AdapterModule<Profile>[] = createAdapters();

/** Where a client on this machine reaches the CoAP adapter with these settings: `coap://127.0.0.1:5683`. Over UDP, if it can be. */
export function coapTarget(settings: unknown): string {
  const { listen } = settings as Settings;
  const { host, port } = listenAddress(listen.find((url) => !listenAddress(url).secure) ?? listen[0] ?? "");
  const here = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `coap://${here.includes(":") ? `[${here}]` : here}:${port}`;
}
