import { suggest } from "../core/near.js";
import { fitsPattern } from "../core/pattern.js";
import type { CommandsConfig } from "./commands.js";
import type { Finding } from "./wording.js";

/** What the rules need of the rest of the configuration. */
export interface CommandSurroundings {
  readonly commands: CommandsConfig;
  readonly bridges: readonly { readonly id: string }[];
  readonly devices: readonly { readonly id: string }[];
}

/** Rules for a bridge that is not there, which forbid what they were to allow. Pure. */
export function commandFindings({ commands: { allow = [] }, bridges }: CommandSurroundings): Finding[] {
  const ids = bridges.map(({ id }) => id);
  return allow.flatMap(({ from }, index): Finding[] => {
    const path = ["commands", "allow", index, "from"];
    if (from === undefined || from.startsWith("client:")) return [];
    if (from === "local") {
      if (!ids.includes("local")) return [];
      return [{ path, message: "means the clients of the embedded broker: give the bridge of that id another one" }];
    }
    return ids.includes(from)
      ? []
      : [{ path, message: `there is no such bridge${suggest(from, [...ids, "local", "client:NAME"])}` }];
  });
}

/** Rules that fit no device: perhaps one that is still to come. Pure. */
export function commandWarnings({ commands: { allow = [] }, devices }: CommandSurroundings): Finding[] {
  const ids = devices.map(({ id }) => id);
  return allow.flatMap(({ device }, index): Finding[] => {
    if (device === undefined || ids.some((id) => fitsPattern(device, id))) return [];
    const message = `no device has such an id${device.includes("*") ? "" : suggest(device, ids)}`;
    return [{ path: ["commands", "allow", index, "device"], message }];
  });
}
