import { messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import type { Outbox } from "../outbox/outbox.js";
import { Echoes } from "./echo.js";
import { fieldStamp, messageIds, unstamped } from "./identity.js";
import { withPatience } from "./patience.js";
import { RefusedFile } from "./refused.js";
import { bridgeReport } from "./report.js";
import { type Ascent, type Rule, routes } from "./rules.js";
import { shortcomings } from "./session/abilities.js";
import { type BatchOptions, batchFeed } from "./session/batch-feed.js";
import { type Feed, singleFeed } from "./session/feed.js";
import { IncomingMessages } from "./session/incoming.js";
import { Outgoing } from "./session/outgoing.js";
import { Pace } from "./session/pace.js";
import { SPAN } from "./session/packet-id.js";
import type { Parcel } from "./session/parcel.js";
import type { Lane, SessionStore } from "./session/session.js";
import type { UpstreamOptions } from "./upstream/options.js";
import { Upstream } from "./upstream/upstream.js";

export interface BridgeOptions extends UpstreamOptions {
  /** The gateway's id, for those of messages. */
  readonly gateway: string;
  /** How many PUBLISH packets may be on their way unacknowledged. */
  readonly window: number;
  /** Most messages a second of normal priority; undefined: no limit. */
  readonly catchUp?: number | undefined;
  readonly topicAliases: number;
  readonly messageId: "none" | "property" | "field";
  readonly batch?: BatchOptions | undefined;
  readonly rules: readonly Rule[];
  /** What waits: of normal priority, and of high if a rule has it. */
  readonly outboxes: readonly [Outbox] | readonly [Outbox, Outbox];
  readonly store: SessionStore;
  /** Where messages are kept that the upstream will never take: the path of a file. */
  readonly refused: string;
  /** Takes a message that came down, already under its local topic. */
  readonly deliver: (message: Message) => Promise<void>;
  /** The gateway's own presence as a local topic: `online` once connected, `offline` as the will. */
  readonly statusTopic: string;
  /** A local topic for trying out what the upstream can do. */
  readonly probeTopic: string;
  readonly journal: Journal;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** Called whenever it is connected; it must not throw. */
  readonly onUp?: (() => void) | undefined;
}

export interface BridgeState {
  /** The server that it is connected to. */
  readonly server: string | undefined;
  /** What that server cannot do, for people. */
  readonly shortcomings: readonly string[];
}

export interface Bridge {
  readonly state: BridgeState;
  /** Throws what `offer` would reject with now. */
  check(message: Message): void;
  /**
   * Takes the message into an outbox if a rule carries it up; undefined where none does. Rejects as `Outbox.append` does, or with
   * CLOSED once it closes: what nobody carries any more must not be acknowledged.
   */
  offer(message: Message): Promise<void> | undefined;
  /** Says the latest of something about the gateway itself, now and on every new connection. It does not wait in the outbox. */
  announce(message: Message): void;
  /** Takes nothing more, carries what waits for up to `patience` ms, then disconnects. */
  close(patience?: number): Promise<void>;
}

/**
 * Carries outboxes to an upstream and brings commands down. Connects in the background and for ever: a gateway is ready without
 * its upstream.
 */
export function openBridge(options: BridgeOptions): Bridge {
  const { id, outboxes, store, journal, now } = options;
  const ticks = (): number => performance.now();
  const carry = routes(options.rules);
  const report = bridgeReport(id, journal, ticks);
  const refusals = new RefusedFile(options.refused, now);
  const echoes = carry.echoes && options.protocol === 4 ? new Echoes() : undefined;
  const announced = new Map<string, Message>();
  const up = (message: Message): Message | undefined => carry.up(message)?.message;
  const offline = up(statusOf(options.statusTopic, "offline"));
  const waiting = (): number => outboxes.reduce((sum, { depth }) => sum + depth.messages, 0);
  let drained = (): void => {};
  let ended: Promise<void> | undefined;

  const feeds = feedsOf(options, ticks);
  const outgoing = new Outgoing({
    ...options,
    feeds,
    span: Math.min(SPAN, options.window * (options.batch?.messages ?? 1)),
    pace: new Pace(options.catchUp),
    idOf: options.messageId === "property" ? propertyId(options) : undefined,
    ticks,
    events: {
      begun: ({ message }) => echoes?.sent(message, ticks()),
      refused: (parcel, why) => refused(parcel, why),
      lost: (count) =>
        report.note(
          "warn",
          "bridge_lost",
          `${count} QoS 0 messages were on their way when the connection was lost`,
          count,
        ),
      sessionLost: (again) =>
        report.note(
          "warn",
          "bridge_session_lost",
          `the upstream has forgotten the session: ${again} messages are sent again that it may have`,
          again,
        ),
      settled: () => {
        if (ended !== undefined && waiting() === 0) drained();
      },
    },
  });
  const incoming = new IncomingMessages({ store, deliver: (message) => receive(message) });
  const probes = options.rules.some(({ direction, qos }) => direction !== "in" && (qos ?? 2) === 2);
  const upstream = new Upstream(options, {
    store,
    outgoing,
    incoming,
    report,
    will: offline,
    probeTopic: probes
      ? up({ topic: options.probeTopic, payload: new Uint8Array(), qos: 2, retain: false })?.topic
      : undefined,
    subscriptions: carry.subscriptions,
    batched: options.batch !== undefined,
    announcements: () =>
      [statusOf(options.statusTopic, "online"), ...announced.values()].flatMap((each) => up(each) ?? []),
    waiting,
    onUp: () => options.onUp?.(),
  });

  async function refused(parcel: Parcel, why: string): Promise<void> {
    const { topic } = parcel.message;
    const where = await refusals.keep(parcel, why);
    report.note("error", "bridge_refused", `${topic}: ${why}; ${where}`, parcel.entries.length);
  }

  async function receive(message: Message): Promise<void> {
    if (echoes?.returned(message, ticks())) return;
    const local = carry.down(message);
    const drop = (reason: string, why: string): void =>
      journal({
        level: "warn",
        event: "bridge_in_dropped",
        at: `bridge ${id}`,
        reason,
        message: `${message.topic}: ${why}`,
      });
    if (local === undefined) return drop("no_rule", "the upstream sent what no rule asks for");
    try {
      await options.deliver(local);
    } catch (error) {
      drop("refused", messageOf(error));
    }
  }

  const outboxOf = ({ lane }: Ascent): Outbox => outboxes[lane] ?? outboxes[0];

  const end = async (patience: number): Promise<void> => {
    for (const feed of feeds) feed.hurry();
    if (upstream.live !== undefined && waiting() > 0)
      await withPatience(new Promise<void>((resolve) => (drained = resolve)), patience);
    const left = waiting();
    if (left > 0 && outboxes[0].survives)
      report.note("info", "bridge_waiting", `${left} messages wait for the next start`);
    else if (left > 0)
      report.note("warn", "bridge_left", `${left} messages were not carried before the gateway ended`, left);
    await upstream.close(offline);
  };

  return {
    get state() {
      const { live } = upstream;
      return { server: live?.url, shortcomings: live ? shortcomings(live.abilities) : [] };
    },
    check: (message) => {
      const ascent = carry.up(message);
      if (ascent === undefined) return;
      if (ended !== undefined) throw closing(id);
      outboxOf(ascent).check(ascent.message, ascent.terms);
    },
    offer: (message) => {
      const ascent = carry.up(message);
      if (ascent === undefined) return undefined;
      if (ended !== undefined) return Promise.reject(closing(id));
      if (ascent.fleeting && upstream.live === undefined) {
        report.note("debug", "bridge_offline", `${message.topic}: not kept while the upstream is away`);
        return Promise.resolve();
      }
      return outboxOf(ascent).append(ascent.message, ascent.terms);
    },
    announce: (message) => {
      announced.set(message.topic, message);
      const ascent = up(message);
      if (ascent !== undefined) upstream.announce(ascent);
    },
    close: (patience = 2000) => {
      ended ??= end(patience);
      return ended;
    },
  };
}

function feedsOf(options: BridgeOptions, ticks: () => number): Feed[] {
  const { outboxes, batch, store, gateway, messageId } = options;
  const idOf = messageIds(gateway, outboxes);
  const stamp = messageId === "field" ? fieldStamp(idOf) : unstamped;
  const [normal, high] = outboxes;
  const batchId = messageId === "none" ? undefined : (sequence: number) => idOf(0, sequence);
  return [
    ...(high ? [singleFeed(high, 1, stamp)] : []),
    batch ? batchFeed(batch, { outbox: normal, store, idOf: batchId, ticks }) : singleFeed(normal, 0, stamp),
  ];
}

function propertyId({ gateway, outboxes }: BridgeOptions): (parcel: Parcel) => string {
  const idOf: (lane: Lane, sequence: number) => string = messageIds(gateway, outboxes);
  return ({ lane, first }) => idOf(lane, first);
}

function closing(id: string): WeirError {
  return new WeirError("CLOSED", `bridge ${id} takes no more messages: the gateway is stopping`);
}

function statusOf(topic: string, status: "online" | "offline"): Message {
  return { topic, payload: Buffer.from(status), qos: 1, retain: true };
}
