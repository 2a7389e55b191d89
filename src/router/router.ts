/**
 * Readings to messages. What holds:
 *
 * - `sink` resolves once every message of the batch was accepted, and rejects if one was refused. Refused, nothing of the
 *   batch counts as reported: the device sends it again and it is reported then.
 * - A reading is suppressed only against a report that was accepted. While a batch is on its way, another reading of the
 *   same resource is reported whatever the rule says: one message too many, never one too few.
 * - What an interval holds back is sent when it ends, or when the router stops. It was acknowledged and is in memory only: a
 *   crash within the interval loses it, as the rule would have lost any but the latest.
 * - Memory: one entry for each resource seen, a bounded number for each device.
 */
import { messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Accept } from "../core/message.js";
import type { Reading, ReadingSink } from "../core/reading.js";
import type { GatewayNames } from "../core/topics.js";
import { messagesOf } from "./messages.js";
import { encodable } from "./payload.js";
import type { DevicePolicy } from "./policy.js";
import { onReading, onTime, type ReportState, timeLeft } from "./report.js";
import { type Due, type RoutedResource, routedResource } from "./resource.js";
import { realTimer, type SetTimer } from "./timer.js";

export interface RouterOptions {
  readonly prefix: string;
  /** The gateway's id. */
  readonly gateway: string;
  readonly devices: readonly DevicePolicy[];
  readonly accept: Accept;
  /** ms of a clock that does not jump (`performance.now`): intervals are measured with it, nothing is dated. */
  readonly now: () => number;
  readonly journal: Journal;
  readonly setTimer?: SetTimer;
  /** Resources that one device may have; 256 if left out. A device without a profile names them itself. */
  readonly maxResources?: number;
}

export interface Router {
  /**
   * Rejects with DEVICE_UNKNOWN, RESOURCE_UNKNOWN, CONFIG_INVALID (the resource's policy cannot work), PAYLOAD_INVALID (a
   * time that is none), CLOSED, or what `accept` rejected with. All readings are taken or none.
   */
  readonly sink: ReadingSink;
  /** Sends what intervals hold back, and takes no more readings. Resolves when that was accepted or refused. Never rejects. */
  stop(): Promise<void>;
}

/** How long after a refusal a heartbeat or a held reading is tried again, in ms. */
const RETRY = 1000;

interface Route {
  readonly device: DevicePolicy;
  readonly resources: Map<string, RoutedResource>;
  /** When its last reading came, of whatever resource. */
  seen: number;
}

export function createRouter(options: RouterOptions): Router {
  const { accept, now, journal } = options;
  const setTimer = options.setTimer ?? realTimer;
  const maxResources = options.maxResources ?? 256;
  const names: GatewayNames = { prefix: options.prefix, gateway: options.gateway };
  const routes = new Map(options.devices.map((device) => [device.id, routeOf(device)]));
  const underWay = new Set<Promise<void>>();
  let batches = 0;
  let stopping: Promise<void> | undefined;

  function resourceOf(reading: Reading): RoutedResource {
    const route = routes.get(reading.device);
    if (route === undefined) throw new WeirError("DEVICE_UNKNOWN", `no device ${quote(reading.device)} is configured`);
    const known = route.resources.get(reading.resource);
    if (known !== undefined) return known;
    const fresh = routedResource(names, route.device, reading.resource);
    if (route.resources.size >= maxResources) {
      const problem = `already has ${maxResources} resources and cannot have ${quote(reading.resource)} too`;
      throw new WeirError("RESOURCE_UNKNOWN", `device ${reading.device} ${problem}`);
    }
    route.resources.set(reading.resource, fresh);
    return fresh;
  }

  /** Sends what is due and, once all of it was accepted, lets the states advance. Rejects if any of it was refused. */
  async function send(due: readonly Due[], states: ReadonlyMap<RoutedResource, ReportState>): Promise<void> {
    const batch = ++batches;
    for (const resource of states.keys()) resource.unsettled++;
    const messages = messagesOf(sayable(due));
    // `accept` may reject or throw; every outcome is waited for, so that none is left to nobody.
    const outcomes = await Promise.allSettled(messages.map(async ({ message, origin }) => accept(message, origin)));
    for (const resource of states.keys()) resource.unsettled--;
    const refusal = outcomes.find((outcome) => outcome.status === "rejected");
    if (refusal === undefined) settle(states, batch);
    for (const resource of states.keys()) arm(resource, refusal === undefined ? 0 : RETRY);
    if (refusal !== undefined) throw refusal.reason;
  }

  function settle(states: ReadonlyMap<RoutedResource, ReportState>, batch: number): void {
    for (const [resource, state] of states) {
      if (batch < resource.batch) continue;
      resource.batch = batch;
      resource.state = state;
    }
  }

  function sayable(due: readonly Due[]): readonly Due[] {
    const mute = due.filter((one) => !canSay(one));
    for (const { reading } of mute) {
      const message = `${reading.resource} is ${String(reading.value)}, which SenML cannot say: left out`;
      journal({ level: "warn", event: "reading_unencodable", at: reading.device, message });
    }
    return mute.length === 0 ? due : due.filter(canSay);
  }

  /** Sets the timer of a resource's interval or heartbeat, in not less than `least` ms, unless one rings before that. */
  function arm(resource: RoutedResource, least = 0): void {
    if (stopping !== undefined || resource.state === undefined || isAsleep(resource)) return;
    const time = now();
    const left = timeLeft(resource.state, resource.policy.report, time);
    if (left === undefined) return;
    const wait = Math.max(left, least);
    if (resource.timer !== undefined && resource.timer.at <= time + wait) return;
    resource.timer?.stop();
    const ring = (): void => {
      resource.timer = undefined;
      void track(wake(resource));
    };
    resource.timer = { at: time + wait, stop: setTimer(ring, wait) };
  }

  /** A heartbeat of a device that has fallen silent would say "still so" of what nobody knows. */
  function isAsleep(resource: RoutedResource): boolean {
    const route = routes.get(resource.device.id);
    return route !== undefined && resource.state?.held !== true && isSilent(route, now());
  }

  /** Never rejects: nobody waits for it. */
  async function wake(resource: RoutedResource): Promise<void> {
    // Whatever is on its way sets the timer again when it is settled.
    if (stopping !== undefined || resource.unsettled > 0 || resource.state === undefined || isAsleep(resource)) return;
    const verdict = onTime(resource.state, resource.policy.report, now());
    if (verdict === undefined) arm(resource);
    else await sendUnasked(resource, verdict.state);
  }

  async function sendUnasked(resource: RoutedResource, state: ReportState): Promise<void> {
    try {
      await send([{ resource, reading: state.reported }], new Map([[resource, state]]));
    } catch (error) {
      const outcome = stopping !== undefined ? "is lost, for the gateway stops" : "is tried again";
      const message = `${resource.name} was refused and ${outcome}: ${messageOf(error)}`;
      journal({ level: "warn", event: "report_refused", at: resource.device.id, message });
    }
  }

  function countSuppressed(counts: ReadonlyMap<string, number>, device: string): void {
    for (const [reason, count] of counts) {
      const message = `${count} readings not reported: ${reason}`;
      journal({ level: "debug", event: "reading_suppressed", at: device, message, count, reason });
    }
  }

  /** For `stop`, which waits for what is under way, whatever becomes of it. */
  function track(work: Promise<void>): Promise<void> {
    const forget = (): void => void underWay.delete(end);
    const end: Promise<void> = work.then(forget, forget);
    underWay.add(end);
    return work;
  }

  /** A device that speaks again, of whatever resource, has its heartbeats back. */
  function hear(batch: readonly Due[], time: number): void {
    for (const { resource } of batch) {
      const route = routes.get(resource.device.id);
      if (route === undefined) continue;
      const wasSilent = isSilent(route, time);
      route.seen = time;
      if (wasSilent) for (const one of route.resources.values()) arm(one);
    }
  }

  async function take(readings: readonly Reading[]): Promise<void> {
    if (stopping !== undefined) throw new WeirError("CLOSED", "the router has stopped and takes no readings");
    const untimed = readings.find((reading) => !Number.isFinite(reading.time));
    if (untimed !== undefined) {
      const place = `device ${quote(untimed.device)}, resource ${quote(untimed.resource)}`;
      throw new WeirError("PAYLOAD_INVALID", `${place}: the reading has no time`);
    }
    // All of them are looked up before one is sent: a batch is taken as a whole or not at all.
    const batch = readings.map((reading): Due => ({ resource: resourceOf(reading), reading }));
    const time = now();
    hear(batch, time);
    const due: Due[] = [];
    const states = new Map<RoutedResource, ReportState>();
    const suppressed = new Map<string, Map<string, number>>();
    for (const one of batch) {
      const { resource, reading } = one;
      const rule = resource.policy.report;
      const verdict = onReading(states.get(resource) ?? resource.state, reading, rule, time);
      const report = verdict.report || resource.unsettled > 0;
      if (report) due.push(one);
      else tally(suppressed, reading.device, verdict.reason);
      if (rule.on === "every") continue;
      states.set(resource, verdict.report === report ? verdict.state : asReported(reading, time));
    }
    if (due.length > 0) {
      await send(due, states);
    } else {
      settle(states, ++batches);
      for (const resource of states.keys()) arm(resource);
    }
    for (const [device, counts] of suppressed) countSuppressed(counts, device);
  }

  async function halt(): Promise<void> {
    // A batch on its way may still hold something back.
    await Promise.all(underWay);
    const held: Promise<void>[] = [];
    for (const { resources } of routes.values()) {
      for (const resource of resources.values()) {
        resource.timer?.stop();
        resource.timer = undefined;
        const { state } = resource;
        if (state?.held === true) held.push(sendUnasked(resource, asReported(state.latest, now())));
      }
    }
    await Promise.all(held);
  }

  return {
    sink: (readings) => track(take(readings)),
    stop: () => {
      stopping ??= halt();
      return stopping;
    },
  };
}

function routeOf(device: DevicePolicy): Route {
  return { device, resources: new Map(), seen: Number.NEGATIVE_INFINITY };
}

function isSilent({ device, seen }: Route, time: number): boolean {
  return device.stale !== undefined && time - seen >= device.stale;
}

function canSay({ resource, reading }: Due): boolean {
  return resource.policy.format !== "senml" || encodable(reading);
}

function asReported(reading: Reading, at: number): ReportState {
  return { reported: reading, at, latest: reading, held: false };
}

function tally(counts: Map<string, Map<string, number>>, device: string, reason: string): void {
  const ofDevice = counts.get(device) ?? new Map<string, number>();
  counts.set(device, ofDevice.set(reason, (ofDevice.get(reason) ?? 0) + 1));
}

/** A name from a wire, bounded. */
function quote(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}
