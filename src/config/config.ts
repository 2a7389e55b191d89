import type { Qos } from "../core/message.js";
import type { BridgeRule, FileBridge } from "./bridge-schema.js";
import type { ListenerConfig } from "./broker-schema.js";
import type { CommandsConfig } from "./commands.js";
import type { ClockConfig, FileConfig, PayloadFormat, Report } from "./schema.js";

/** How the readings of one resource become messages. */
export interface ResourcePolicy {
  readonly qos: Qos;
  readonly retain: boolean;
  readonly format: PayloadFormat;
  /** Template with {prefix} {device} {resource} {gateway}. */
  readonly topic: string;
  /** Durations in ms. */
  readonly report: Report;
}

/** A device with everything that `defaults` gave it. Its own policy holds for resources that are not in `resources`. */
export interface DeviceConfig extends ResourcePolicy {
  readonly id: string;
  readonly adapter: string;
  readonly profile?: string;
  /** As the adapter's `address` schema made it. Undefined for a simulated device without one, unless the schema has a default. */
  readonly address: unknown;
  /** ms without a reading until the device counts as offline. */
  readonly stale: number;
  readonly simulate: boolean;
  /** Resources that do otherwise, whole policies. A map, so that no name from a wire meets an object's prototype. */
  readonly resources: ReadonlyMap<string, ResourcePolicy>;
}

type Bounds = "maxMessages" | "maxBytes";

export type BridgeConfig = Readonly<Omit<FileBridge, "url" | "clientId" | "rules" | "tls" | "batch" | "outbox">> & {
  /** The preferred one first; never empty. */
  readonly servers: readonly string[];
  readonly outbox: Readonly<FileBridge["outbox"] & Required<Pick<FileBridge["outbox"], Bounds>>>;
  readonly clientId: string;
  readonly rules: readonly BridgeRule[];
  readonly batch?: Readonly<Required<NonNullable<FileBridge["batch"]>>>;
  /** Paths are absolute. */
  readonly tls?: FileBridge["tls"] & {};
};

/** The configuration with every default in place. Durations in ms, sizes in bytes, paths absolute. */
export interface Config {
  readonly gateway: {
    readonly id: string;
    readonly prefix: string;
    /** Absolute. */
    readonly state: string;
    /** ms between two publications of the gateway's state. */
    readonly info: number;
    readonly clock: Readonly<ClockConfig>;
  };
  readonly log: FileConfig["log"];
  /** Paths are absolute. */
  readonly broker: Readonly<Omit<FileConfig["broker"], "listeners">> & {
    readonly listeners: readonly ListenerConfig[];
  };
  readonly bridges: readonly BridgeConfig[];
  readonly commands: Readonly<CommandsConfig>;
  /** By adapter name, as each adapter's `settings` schema made it; every known adapter is there. */
  readonly adapters: Readonly<Record<string, unknown>>;
  /** Absolute folders, searched in order before the bundled ones. */
  readonly profiles: readonly string[];
  readonly devices: readonly DeviceConfig[];
  readonly simulator?: FileConfig["simulator"] & {};
}

/** How one resource of a device becomes messages. */
export function resourcePolicy(device: DeviceConfig, resource: string): ResourcePolicy {
  return device.resources.get(resource) ?? device;
}
