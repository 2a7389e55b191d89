import type { Qos } from "../core/message.js";

/** How a value is written: `payload.ts` says it byte by byte. */
export type Format = "value" | "json" | "object" | "senml";

/** When a reading becomes a message. Durations in ms. */
export type Report =
  | { readonly on: "every" }
  | {
      readonly on: "change";
      /** How much a number must change; both given: beyond either is enough. Percent is of the value last reported. */
      readonly deadband?: { readonly absolute?: number | undefined; readonly percent?: number | undefined } | undefined;
      /** The latest reading is sent again after this long without a message. */
      readonly heartbeat?: number | undefined;
      /** At most one message in this time; what was held back is made good by the latest reading when it ends. */
      readonly minInterval?: number | undefined;
    };

/** How one resource of a device becomes messages. */
export interface ResourcePolicy {
  readonly qos: Qos;
  readonly retain: boolean;
  readonly format: Format;
  /** Template with {prefix} {device} {resource} {gateway}. */
  readonly topic: string;
  readonly report: Report;
}

/** What the router must know of a device. The configuration's types fit these; the router does not know the configuration. */
export interface DevicePolicy {
  readonly id: string;
  readonly adapter: string;
  /** ms without a reading until the device counts as offline; never where left out. */
  readonly stale?: number | undefined;
  /** The policy of a resource by name, whether the profile has such a resource or not. Must not throw. */
  resources(name: string): ResourcePolicy;
}
