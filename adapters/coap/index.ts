import { type Adapter, type AdapterModule, defineAdapter } from "../../src/core/adapter.js";
import type { Profile } from "../../src/profile/index.js";
import { type Address, address, type Settings, settings } from "./config.js";
import { linkName, openSession } from "./session.js";
import { pathProblems } from "./posted/targets.js";

/** Devices that post readings over CoAP. One socket serves all of them: one link. */
export const coap: AdapterModule<Profile> = defineAdapter<Profile, Settings, Address>({
  name: "coap",
  settings,
  address,
  check: (_settings, devices) => pathProblems(devices),
  links: (settings, devices) => {
    // Without devices nobody may post: then there is nothing to listen for.
    if (devices.length === 0) return [];
    const adapter: Adapter = { open: (context) => openSession(settings, devices, context) };
    const ids = devices.map(({ id }) => id);
    return [{ name: linkName(settings.listen), devices: ids, impliesOnline: false, adapter }];
  },
});
