import { type Adapter, type AdapterModule, defineAdapter, type Link } from "../../src/core/adapter.js";
import type { Profile } from "../../src/profile/index.js";
import { formatCoapUri } from "../../src/protocols/coap/index.js";
import { openAskedSession } from "./asked/session.js";
import { check } from "./check.js";
import { type Address, address, type Settings, settings } from "./config.js";
import { absoluteFiles } from "./dtls/config.js";
import { linkName, openSession } from "./posted/session.js";
import type { Device } from "./posted/targets.js";

/** Devices that post readings over CoAP, and devices that are CoAP servers. */
export const coap: AdapterModule<Profile> = defineAdapter<Profile, Settings, Address>({
  name: "coap",
  settings,
  address,
  absolute: (given, resolve) =>
    given.dtls === undefined ? given : { ...given, dtls: absoluteFiles(given.dtls, resolve) },
  check,
  links: (given, devices) => [
    ...posted(
      given,
      devices.filter((device) => device.address.server === undefined),
    ),
    ...devices.flatMap((device) => asked(given, device)),
  ],
});

/** One link for all that post: they share the listeners. Without devices nobody may post: then, but for clients of pubsub, nothing is listened for. */
function posted(given: Settings, devices: readonly Device[]): Link[] {
  if (devices.length === 0 && given.pubsub === undefined) return [];
  const adapter: Adapter = { open: (context) => openSession(given, devices, context) };
  const ids = devices.map(({ id }) => id);
  return [{ name: linkName(given.listen), devices: ids, impliesOnline: false, adapter }];
}

/** Each has a link of its own, which is open while the device answers: one that is silent is looked for alone, with pauses that grow. */
function asked(given: Settings, device: Device): Link[] {
  const { server } = device.address;
  if (server === undefined) return [];
  const adapter: Adapter = { open: (context) => openAskedSession(given, device, server, context) };
  const name = `coap:${formatCoapUri(server)}`;
  // A notification that waits for a clock would end the observation: a device takes who does not answer as gone.
  return [{ name, devices: [device.id], impliesOnline: true, acknowledges: false, adapter }];
}
