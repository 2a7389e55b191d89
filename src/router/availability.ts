import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Accept, Message } from "../core/message.js";
import { formatTopic } from "../core/topics.js";
import {
  ABSENT,
  isOnline,
  nextPresence,
  type Presence,
  type PresenceEvent,
  type PresenceRule,
  timeToStale,
} from "./presence.js";
import { realTimer, type SetTimer } from "./timer.js";

export interface AvailabilityOptions {
  readonly prefix: string;
  readonly devices: readonly ({ readonly id: string } & PresenceRule)[];
  readonly accept: Accept;
  /** ms of a clock that does not jump (`performance.now`). */
  readonly now: () => number;
  readonly journal: Journal;
  readonly setTimer?: SetTimer;
}

/** Retained `online` and `offline` messages of the devices, QoS 1, on change only. */
export interface Availability {
  /** Says that all are offline: what is retained from the last run is not true any more. Resolves when that was accepted or refused. */
  start(): Promise<void>;
  /** A link with these devices was opened or lost. */
  link(devices: readonly string[], up: boolean): void;
  /** A reading came, whether it is reported or not. Cheap: called for every batch. Unknown devices are ignored. */
  seen(device: string): void;
  isOnline(device: string): boolean;
  /** Says that all are offline, and nothing more after that. Never rejects. */
  stop(): Promise<void>;
}

export function availabilityMessage(prefix: string, device: string, online: boolean): Message {
  return statusMessage(formatTopic(prefix, { kind: "availability", device }), online);
}

/** The gateway's own; `offline` is its will at the upstream. */
export function gatewayMessage(prefix: string, gateway: string, online: boolean): Message {
  return statusMessage(formatTopic(prefix, { kind: "gateway", gateway }), online);
}

function statusMessage(topic: string, online: boolean): Message {
  return { topic, payload: Buffer.from(online ? "online" : "offline"), qos: 1, retain: true };
}

/** How long after a refusal a state is published again, in ms. */
const RETRY = 1000;

interface Tracked {
  readonly id: string;
  readonly rule: PresenceRule;
  presence: Presence;
  /** What it is, and what the far side was told last. */
  online: boolean;
  published: boolean | undefined;
  publishing: Promise<void> | undefined;
  stopStale: (() => void) | undefined;
  stopRetry: (() => void) | undefined;
}

export function createAvailability(options: AvailabilityOptions): Availability {
  const { prefix, accept, now, journal } = options;
  const setTimer = options.setTimer ?? realTimer;
  const tracked = new Map(options.devices.map((device): [string, Tracked] => [device.id, track(device)]));
  let stopping: Promise<void> | undefined;

  function update(device: Tracked, event?: PresenceEvent): void {
    if (stopping !== undefined) return;
    const time = now();
    if (event !== undefined) device.presence = nextPresence(device.presence, event, device.rule, time);
    const online = isOnline(device.presence, device.rule, time);
    // The stale timer is not set anew for every reading: it looks at the clock when it rings.
    if (online && device.stopStale === undefined) watch(device, time);
    if (online === device.online) return;
    device.online = online;
    const what = online ? "online" : "offline";
    journal({ level: "info", event: `device_${what}`, at: device.id, message: `is ${what}${whyOffline(device)}` });
    void publish(device);
  }

  function watch(device: Tracked, time: number): void {
    const left = timeToStale(device.presence, device.rule, time);
    if (left === undefined) return;
    const ring = (): void => {
      device.stopStale = undefined;
      update(device);
    };
    device.stopStale = setTimer(ring, left);
  }

  /** Tells the far side what is, one message at a time, until it knows. What changed back meanwhile needs no message. */
  function publish(device: Tracked): Promise<void> {
    device.stopRetry?.();
    device.stopRetry = undefined;
    device.publishing ??= tell(device);
    return device.publishing;
  }

  async function tell(device: Tracked): Promise<void> {
    // Even an `accept` that throws at once must not end this before `publishing` is set.
    await Promise.resolve();
    try {
      while (device.published !== device.online) {
        const { online } = device;
        await accept(availabilityMessage(prefix, device.id, online), { from: "device", device: device.id });
        device.published = online;
      }
    } catch (error) {
      const message = `its status was refused: ${messageOf(error)}`;
      journal({ level: "warn", event: "status_refused", at: device.id, message });
      if (stopping === undefined) device.stopRetry = setTimer(() => void publish(device), RETRY);
    }
    // In the same turn as the last look at `online`: a change right after it begins anew.
    device.publishing = undefined;
  }

  async function halt(): Promise<void> {
    for (const device of tracked.values()) {
      device.stopStale?.();
      device.stopRetry?.();
      device.presence = ABSENT;
      device.online = false;
    }
    const farewell = async (device: Tracked): Promise<void> => {
      // What is under way may be an `online` that is refused: only then is the last word still to be said.
      await device.publishing;
      await publish(device);
    };
    await Promise.all([...tracked.values()].map(farewell));
  }

  return {
    start: async () => {
      await Promise.all([...tracked.values()].map(publish));
    },
    link: (devices, up) => {
      for (const id of devices) {
        const device = tracked.get(id);
        if (device !== undefined) update(device, { kind: "link", up });
      }
    },
    seen: (id) => {
      const device = tracked.get(id);
      if (device !== undefined) update(device, { kind: "reading" });
    },
    isOnline: (id) => tracked.get(id)?.online === true,
    stop: () => {
      stopping ??= halt();
      return stopping;
    },
  };
}

function track({ id, impliesOnline, stale }: AvailabilityOptions["devices"][number]): Tracked {
  const rule = { impliesOnline, stale };
  const idle = { publishing: undefined, stopStale: undefined, stopRetry: undefined };
  return { id, rule, presence: ABSENT, online: false, published: undefined, ...idle };
}

function whyOffline({ online, presence }: Tracked): string {
  if (online) return "";
  return presence.linkUp ? ": no reading for too long" : ": its link is down";
}
