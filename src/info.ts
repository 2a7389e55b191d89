import { versions } from "node:process";
import type { BridgeState } from "./bridge/bridge.js";
import type { ClockStatus } from "./clock/index.js";
import type { OutboxStatus } from "./uplink.js";

export interface InfoParts {
  readonly version: string;
  /** ms since the Unix epoch. */
  readonly started: number;
  readonly clock: ClockStatus & { readonly held: number };
  readonly devices: readonly { readonly id: string; readonly online: boolean }[];
  readonly bridges: readonly { readonly id: string; readonly state: BridgeState; readonly outbox: OutboxStatus }[];
  /** ms since the Unix epoch. */
  readonly now: number;
}

/**
 * What a gateway says about itself, for whoever runs many of them. Times are ISO 8601, ages in seconds. Documented in
 * docs/guide/messages.md.
 */
export function gatewayInfo({ version, started, clock, devices, bridges, now }: InfoParts) {
  return {
    version,
    node: versions.node,
    started: new Date(started).toISOString(),
    clock: { set: clock.set, source: clock.source, held: clock.held },
    devices: {
      configured: devices.length,
      online: devices.filter(({ online }) => online).length,
      offline: devices
        .filter(({ online }) => !online)
        .map(({ id }) => id)
        .slice(0, MOST_NAMES),
    },
    bridges: bridges.map(({ id, state, outbox }) => ({
      id,
      connected: state.server !== undefined,
      ...(state.server === undefined ? {} : { server: state.server }),
      ...(state.shortcomings.length === 0 ? {} : { shortcomings: state.shortcomings }),
      waiting: outbox.messages,
      waitingBytes: outbox.bytes,
      // Coarse: it would be another message each time otherwise.
      oldestAge: outbox.oldest === undefined ? 0 : Math.max(0, Math.floor((now - outbox.oldest) / 10_000) * 10),
      ...(outbox.fault === undefined ? {} : { fault: outbox.fault }),
    })),
  };
}

/** Names of devices that are listed: the message is to stay small. */
const MOST_NAMES = 100;
