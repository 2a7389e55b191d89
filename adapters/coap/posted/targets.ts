import type { AdapterDevice, Problem } from "../../../src/core/adapter.js";
import { type Profile, quoted } from "../../../src/profile/index.js";
import { CONTENT_FORMAT, type Link } from "../../../src/protocols/coap/index.js";
import { SENML_CBOR, SENML_JSON } from "../../../src/protocols/senml/index.js";
import type { Address } from "../config.js";
import { Refusal } from "./refusal.js";

/** What a device takes as a whole: JSON, CBOR, SenML. */
const FORMATS = [CONTENT_FORMAT.json, CONTENT_FORMAT.cbor, SENML_JSON, SENML_CBOR];

export type Device = AdapterDevice<Address, Profile>;

/** What a path names: a device, or one resource of it. */
export interface Target {
  readonly device: Device;
  readonly resource: string | undefined;
}

/** Finds devices by path, and lists them. */
export interface Targets {
  /** Throws a Refusal: 4.04. */
  find(path: readonly string[]): Target;
  /** A device other than `own` that goes by that name: its id or its path. */
  other(name: string, own: Device): Device | undefined;
  /** Those of some devices (RFC 6690), for /.well-known/core. */
  links(of: (device: Device) => boolean): Link[];
}

export function pathOf(device: Device): string {
  return device.address.path?.join("/") ?? device.id;
}

export function createTargets(devices: readonly Device[]): Targets {
  const byPath = new Map(devices.map((device) => [pathOf(device), device]));
  const byName = new Map([...byPath, ...devices.map((device) => [device.id, device] as const)]);
  return {
    find(path) {
      // The empty last segment of `/air/` says no more than `/air`.
      const segments = path.at(-1) === "" ? path.slice(0, -1) : path;
      const device = byPath.get(segments.join("/"));
      if (device !== undefined) return { device, resource: undefined };
      const above = byPath.get(segments.slice(0, -1).join("/"));
      const resource = segments.at(-1);
      if (above !== undefined && resource !== undefined && resource !== "") return { device: above, resource };
      throw new Refusal("4.04", "unknown_device", `no device posts to ${quoted(`/${path.join("/")}`)}`);
    },
    other(name, own) {
      const device = byName.get(name);
      return device === own ? undefined : device;
    },
    links: (of) => devices.filter(of).map(linkOf),
  };
}

function linkOf(device: Device): Link {
  return { target: `/${pathOf(device)}`, rt: ["weir.device"], ct: FORMATS };
}

/** Two devices on one path, or one on a path that is a resource of the other. */
export function pathProblems(devices: readonly Device[]): Problem[] {
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  const blame = (device: string, message: string): void => {
    problems.push({ device, path: ["address"], message });
  };
  for (const device of devices) {
    const path = pathOf(device);
    const owner = owners.get(path);
    if (owner === undefined) owners.set(path, device.id);
    else blame(device.id, `the path /${path} belongs to device ${owner}`);
  }
  for (const device of devices) {
    const path = pathOf(device);
    const above = path.includes("/") ? owners.get(path.slice(0, path.lastIndexOf("/"))) : undefined;
    if (above !== undefined) blame(device.id, `the path /${path} is that of a resource of device ${above}`);
  }
  return problems;
}
