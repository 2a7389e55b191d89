import { ErrorWithReasonCode, type IPublishPacket } from "mqtt";
import { messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import type { Entry, Outbox } from "../outbox/outbox.js";
import { asBuffer, connect, disconnect, type UpstreamOptions, withPatience } from "./client.js";
import { bridgeReport } from "./report.js";
import { type Routes, type Rule, routes } from "./rules.js";
import { createWindow } from "./window.js";

export interface BridgeOptions extends UpstreamOptions {
  /** How many messages may be on their way unacknowledged. */
  readonly window: number;
  readonly rules: readonly Rule[];
  readonly outbox: Outbox;
  /** Takes a message that came down, already under its local topic. */
  readonly deliver: (message: Message) => Promise<void>;
  /** The gateway's own presence as a local topic: `online` once connected, `offline` as the will. */
  readonly statusTopic: string;
  readonly journal: Journal;
}

export interface Bridge {
  readonly connected: boolean;
  /** Throws what `offer` would reject with now. */
  check(message: Message): void;
  /**
   * Takes the message into the outbox if a rule carries it up; undefined where none does. Rejects with OUTBOX_FULL, or with
   * CLOSED once it closes: what nobody carries any more must not be acknowledged.
   */
  offer(message: Message): Promise<void> | undefined;
  /** Takes nothing more, carries what waits for up to `patience` ms, then disconnects. */
  close(patience?: number): Promise<void>;
}

/**
 * Carries an outbox to an upstream and brings commands down. Connects in the background and for ever: a gateway is
 * ready without its upstream. Throws BRIDGE_FAILED where it cannot even try. mqtt.js never holds more than the window:
 * beyond 65,535 it would lose publishes without a word, so the outbox owns every message until its acknowledgement.
 */
export function openBridge(options: BridgeOptions): Bridge {
  const { id, outbox } = options;
  const carry = routes(options.rules);
  const online = carry.up(statusOf(options.statusTopic, "online"));
  const offline = carry.up(statusOf(options.statusTopic, "offline"));
  const client = connect(options, offline);
  const report = bridgeReport(id, options.url, options.journal, () => performance.now());
  const window = createWindow(options.window);
  /** Taken in its turn, and there is no room for it yet: nothing overtakes it. */
  let next: Entry | undefined;
  /** Taken and not sent, in order: they come before all that was never taken. */
  const returned: Entry[] = [];
  /** QoS 0 messages whose bytes the socket has not taken yet: mqtt.js forgets to call back for them when it is lost. */
  const unwritten = new Set<Entry>();
  /** What the attempt to connect that is under way failed with. */
  let fault: unknown;
  let failures = 0;
  let ended: Promise<void> | undefined;
  let stopped = false;
  let pumping = false;
  let drained = (): void => {};

  const send = (entry: Entry): void => {
    const { topic, payload, qos, retain } = entry.message;
    window.add(entry);
    if (qos === 0) unwritten.add(entry);
    client.publish(topic, asBuffer(payload), { qos, retain }, (error) => {
      if (qos === 0 && !unwritten.delete(entry)) return;
      window.remove(entry);
      // Without a reason code an error means "not sent": it is sent again, in its old place.
      if (error && !(error instanceof ErrorWithReasonCode)) return giveBack(entry);
      // With one, the upstream has decided (MQTT 5, 3.4.2.1): sent again it would be refused again, for ever.
      if (error) report.note("warn", "bridge_refused", `the upstream refused ${topic}: ${error.message}`);
      outbox.acknowledge(entry.sequence);
      pump();
      if (ended !== undefined && outbox.depth.messages === 0) drained();
    });
  };

  /** With the one that waits for its turn behind it, which would overtake it otherwise. */
  const giveBack = (entry: Entry): void => {
    for (const one of next === undefined ? [entry] : [entry, next]) {
      const before = returned.findLastIndex((other) => other.sequence < one.sequence);
      returned.splice(before + 1, 0, one);
    }
    next = undefined;
  };

  /** At most once: nobody knows whether they arrived, so they are not sent again. */
  const giveUpUnwritten = (): void => {
    const count = unwritten.size;
    if (count === 0) return;
    for (const entry of unwritten) {
      window.remove(entry);
      outbox.acknowledge(entry.sequence);
    }
    unwritten.clear();
    report.note("warn", "bridge_lost", `${count} QoS 0 messages were on their way when the connection was lost`, count);
  };

  const pump = (): void => {
    // mqtt.js calls back for QoS 0 before `publish` returns: without this each message would deepen the stack.
    if (pumping) return;
    pumping = true;
    while (client.connected && !stopped) {
      next ??= returned.shift() ?? outbox.take();
      if (next === undefined || !window.fits(next.message.qos)) break;
      const entry = next;
      next = undefined;
      send(entry);
    }
    pumping = false;
  };

  outbox.onWaiting(pump);
  client.handleMessage = (packet: IPublishPacket, done): void => {
    receive(options, carry, packet).then(() => done(), done);
  };

  client.on("connect", (connack) => {
    failures = 0;
    // mqtt.js does not hold to it by itself (MQTT 5, 3.2.2.3.3).
    window.connected(connack.properties?.receiveMaximum);
    report.up(outbox.depth.messages);
    if (online) client.publish(online.topic, asBuffer(online.payload), { qos: online.qos, retain: online.retain });
    for (const { filter, qos } of carry.subscriptions) {
      client.subscribe(filter, { qos }, (error, granted) => {
        const refused =
          error ?? (granted?.some((g) => g.qos === 128) ? new Error("refused by the upstream") : undefined);
        if (refused)
          report.note("warn", "bridge_subscribe_failed", `cannot subscribe to ${filter}: ${refused.message}`);
      });
    }
    pump();
  });
  client.on("error", (error) => {
    if (client.connected) report.error(error);
    else fault = error;
  });
  // Before mqtt.js' own listener, which reads the period to arm its timer.
  client.prependListener("close", () => {
    // After mqtt.js has given back what it had not begun to send.
    queueMicrotask(giveUpUnwritten);
    if (client.connected && ended === undefined) report.down(outbox.depth.messages);
    // mqtt.js keeps errors without a code to itself, such as those of a WebSocket that was refused.
    else if (ended === undefined) report.failed(fault);
    fault = undefined;
    client.options.reconnectPeriod = Math.max(1, options.backoff(failures));
    failures += 1;
  });

  const end = async (patience: number): Promise<void> => {
    if (client.connected && outbox.depth.messages > 0)
      await withPatience(new Promise<void>((resolve) => (drained = resolve)), patience);
    stopped = true;
    const left = outbox.depth.messages;
    if (left > 0 && outbox.survives) report.note("info", "bridge_waiting", `${left} messages wait for the next start`);
    else if (left > 0)
      report.note("warn", "bridge_left", `${left} messages were not carried before the gateway ended`, left);
    await disconnect(client, offline);
  };

  return {
    get connected() {
      return client.connected;
    },
    check: (message) => {
      const up = carry.up(message);
      if (up === undefined) return;
      if (ended !== undefined) throw closing(id);
      outbox.check(up);
    },
    offer: (message) => {
      const up = carry.up(message);
      if (up === undefined) return undefined;
      return ended === undefined ? outbox.append(up) : Promise.reject(closing(id));
    },
    close: (patience = 2000) => {
      ended ??= end(patience);
      return ended;
    },
  };
}

function closing(id: string): WeirError {
  return new WeirError("CLOSED", `bridge ${id} takes no more messages: the gateway is stopping`);
}

async function receive(options: BridgeOptions, carry: Routes, packet: IPublishPacket): Promise<void> {
  const { topic, qos, retain } = packet;
  const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
  const message = carry.down({ topic, payload, qos, retain });
  const drop = (reason: string, why: string): void =>
    options.journal({
      level: "warn",
      event: "bridge_in_dropped",
      at: `bridge ${options.id}`,
      reason,
      message: `${topic}: ${why}`,
    });
  if (message === undefined) return drop("no_rule", "the upstream sent what no rule asks for");
  try {
    await options.deliver(message);
  } catch (error) {
    drop("refused", messageOf(error));
  }
}

function statusOf(topic: string, status: "online" | "offline"): Message {
  return { topic, payload: Buffer.from(status), qos: 1, retain: true };
}
