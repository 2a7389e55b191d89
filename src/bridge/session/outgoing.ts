import type { Qos } from "../../core/message.js";
import type { AckPacket } from "../../protocols/mqtt/index.js";
import type { Connection } from "../connection/connection.js";
import type { Abilities } from "./abilities.js";
import { TopicAliases } from "./aliases.js";
import { Exchanges } from "./exchanges.js";
import type { Feed } from "./feed.js";
import { inRanges } from "./in-ranges.js";
import type { Pace } from "./pace.js";
import { packetIdOf } from "./packet-id.js";
import type { Exchange, Parcel } from "./parcel.js";
import { capped, fitsPacket, type PublishContext, publishExchange, publishOnce } from "./publish.js";
import type { Change, SessionStore } from "./session.js";
import { Suspicion } from "./suspicion.js";
import { Window } from "./window.js";

export interface OutgoingOptions {
  /** The one that overtakes first. */
  readonly feeds: readonly Feed[];
  /** PUBLISH packets that may be unacknowledged at once. */
  readonly window: number;
  /** Sequences beyond what is settled that may be on their way: as many come again after a crash, at most. */
  readonly span: number;
  /** The most topic aliases to use. */
  readonly topicAliases: number;
  readonly store: SessionStore;
  /** Of lane 0. */
  readonly pace: Pace;
  readonly idOf: ((parcel: Parcel) => string) | undefined;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** ms from any fixed start. */
  readonly ticks: () => number;
  readonly events: OutgoingEvents;
}

export interface OutgoingEvents {
  /** The upstream will never take it; it is given up. */
  refused(parcel: Parcel, why: string): void;
  /** QoS 0, on their way when the connection was lost. */
  lost(count: number): void;
  /** The upstream had forgotten the session: so many are sent again that it may have, so many it had taken over. */
  sessionLost(again: number, handedOver: number): void;
  /** Something left the outbox for good. */
  settled(): void;
}

/** Packets that are written before others have their turn. */
const TURN = 256;
/** MQTT 5 reason codes that may pass: unspecified, implementation specific, packet id in use. */
const PASSING: ReadonlySet<number> = new Set([0x80, 0x83, 0x91]);
/** It has no room now, and says nothing about the message: that is waited for, however long it takes. */
const QUOTA_EXCEEDED = 0x97;
/** Before a message that is refused for a reason that may pass is given up. */
const TRIES = 5;

/**
 * Sends what the feeds have, in order and within the window, and sees each message through (MQTT 4.3, 4.4). Lives as long as the
 * bridge: what is on its way when a connection ends is kept here and sent again on the next one.
 *
 * Exactly once at QoS 2, whoever is killed when: a message keeps its packet id for ever (packet-id.ts), and before PUBREL is sent
 * it is noted durably that the upstream has it. So after a crash it goes as PUBLISH under the old id, which the upstream
 * still holds, or as PUBREL; never as a PUBLISH that the upstream takes for new. What is left is an upstream that forgets its
 * session: what it had not answered is sent again, and said so.
 */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #exchanges = new Exchanges();
  readonly #suspicion = new Suspicion();
  /** Up to here it may have been sent in a life before this one. By lane. */
  readonly #before: readonly number[];
  /** The upstream has known our session ever since this life began. */
  #sameSession = true;
  #link: Link | undefined;
  /** PUBREC came; noted together at the end of the turn. */
  #toNote: Exchange[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pumping = false;
  #scheduled = false;
  readonly #throughs: (() => void)[] = [];

  constructor(options: OutgoingOptions) {
    this.#options = options;
    const before: number[] = [];
    for (const { lane, outbox } of options.feeds) before[lane] = outbox.settled + options.span;
    this.#before = before;
    for (const feed of options.feeds) feed.onReady(() => this.pump());
  }

  /** Resolves once nothing is on its way. */
  through(): Promise<void> {
    if (this.#exchanges.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#throughs.push(resolve));
  }

  /** Whether the upstream may hold something of which it waits for more. */
  get halfway(): boolean {
    for (const { sent } of this.#exchanges.all()) if (sent) return true;
    return false;
  }

  /** A connection is there. `sessionPresent`: the upstream knows what came over the one before. */
  connected(connection: Connection, abilities: Abilities, sessionPresent: boolean): void {
    const { window, topicAliases, idOf } = this.#options;
    if (!sessionPresent) {
      this.#sameSession = false;
      this.#forgotten(abilities);
    }
    this.#link = {
      connection,
      abilities,
      sessionPresent,
      window: new Window(window, abilities.version, abilities.receiveMaximum),
      context: {
        abilities,
        aliases: new TopicAliases(Math.min(topicAliases, abilities.topicAliases)),
        idOf: abilities.version === 5 ? idOf : undefined,
        now: 0,
      },
      resend: [...this.#exchanges.all()],
      unwritten: new Set(),
      progress: false,
      proven: false,
      alone: false,
      paused: false,
    };
    const { suspect } = this.#suspicion;
    if (suspect !== undefined && !this.#exchanges.has(suspect)) this.#suspicion.cleared();
    const link = this.#link;
    if (this.#suspicion.suspect !== undefined)
      connection.ping(() => {
        link.proven = true;
        this.pump();
      });
    this.pump();
  }

  /** It is lost. `byUpstream`: the far side ended it, not we. */
  disconnected(byUpstream: boolean): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#giveUpUnwritten(link);
    const first = [...this.#exchanges.all()].find((each) => each.stage === "publish" && each.open);
    for (const exchange of this.#exchanges.all()) exchange.open = false;
    if (!byUpstream || link.progress || first === undefined) return;
    if (!this.#suspicion.ended(first.packetId, link.alone)) return;
    this.#giveUp(first, "it closes the connection when it gets this message");
  }

  /** Sends nothing new, so that what is on its way can come to its end. */
  hold(): void {
    if (this.#link !== undefined) this.#link.paused = true;
  }

  acknowledged({ kind, packetId, reasonCode }: AckPacket): void {
    const link = this.#link;
    if (link === undefined || kind === "pubrel") return;
    link.progress = true;
    this.#suspicion.cleared();
    const outcome = this.#exchanges.answer(kind, packetId, reasonCode);
    switch (outcome.kind) {
      case "done":
        this.#close(outcome.exchange);
        break;
      case "note":
        this.#note(outcome.exchange);
        break;
      case "release":
        link.connection.writer.ack("pubrel", packetId);
        link.connection.flush();
        break;
      case "refused":
        this.#refused(link, outcome.exchange, reasonCode);
        break;
    }
    link.connection.awaiting(this.#exchanges.size > 0, true);
    this.#again();
  }

  /** Sends what can be sent now. */
  pump(): void {
    const link = this.#link;
    if (link === undefined || this.#pumping) return;
    this.#pumping = true;
    link.context.now = this.#options.now();
    let left = TURN;
    while (left > 0 && link.connection.writable && this.#sendNext(link)) left -= 1;
    this.#pumping = false;
    if (left < TURN) {
      link.connection.flush();
      link.connection.awaiting(this.#exchanges.size > 0, false);
    }
    // Others have their turn; a socket that is blocked says when it takes more.
    if (left === 0 || (!link.connection.writable && !link.connection.blocked)) setImmediate(() => this.pump());
  }

  /** At the end of the turn, once for all acknowledgements that came in it. */
  #again(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.pump();
    });
  }

  /** False where nothing more can be sent now. */
  #sendNext(link: Link): boolean {
    const { suspect } = this.#suspicion;
    if (suspect !== undefined) return this.#sendAlone(link, suspect);
    const again = link.resend[0];
    if (again !== undefined) {
      if (!this.#send(link, again)) return false;
      link.resend.shift();
      return true;
    }
    if (link.paused) return false;
    for (const feed of this.#options.feeds) {
      const parcel = feed.peek();
      if (parcel !== undefined) return this.#begin(link, feed, parcel);
    }
    return false;
  }

  #sendAlone(link: Link, suspect: number): boolean {
    if (!link.proven || link.alone) return false;
    const exchange = link.resend.find(({ packetId }) => packetId === suspect);
    if (exchange === undefined) return false;
    link.resend.splice(link.resend.indexOf(exchange), 1);
    link.alone = true;
    return this.#send(link, exchange);
  }

  /** The first time in this life. False where it has to wait. */
  #begin(link: Link, feed: Feed, parcel: Parcel): boolean {
    const { span, pace, ticks, store } = this.#options;
    const { lane, outbox } = feed;
    if (parcel.last > outbox.settled + span || this.#exchanges.has(packetIdOf(lane, parcel.first))) {
      outbox.settle();
      return false;
    }
    const noted = inRanges(store.recovered.handedOver[lane], parcel.first);
    if (noted && !this.#sameSession) {
      // The session is gone that could take it to its end, and a PUBREL that means nothing makes some servers close. The upstream had it.
      feed.shift();
      this.#settle(parcel);
      return true;
    }
    const qos: Qos = noted ? 2 : capped(parcel.message.qos, link.abilities);
    if (qos > 0 && !link.window.fits(qos)) return false;
    if (!noted && !fitsPacket(parcel, link.abilities)) {
      feed.shift();
      this.#options.events.refused(parcel, "it is larger than the upstream takes");
      this.#settle(parcel);
      return true;
    }
    const wait = lane === 0 ? pace.take(parcel.entries.length, ticks()) : 0;
    if (wait > 0) return this.#later(wait);
    feed.shift();
    if (qos === 0) {
      this.#sendOnce(link, parcel);
      return true;
    }
    const sent = link.sessionPresent && parcel.first <= (this.#before[lane] ?? 0);
    return this.#send(link, this.#exchanges.begin(parcel, qos, sent, noted));
  }

  #later(wait: number): false {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.pump();
    }, wait);
    return false;
  }

  /** At most once: it is done when the system has its bytes. */
  #sendOnce(link: Link, parcel: Parcel): void {
    publishOnce(link.connection.writer, parcel, link.context);
    link.unwritten.add(parcel);
    link.connection.flush(() => {
      if (!link.unwritten.delete(parcel)) return;
      this.#settle(parcel);
      this.#again();
    });
  }

  /** Nobody knows whether they arrived, so they are not sent again. */
  #giveUpUnwritten({ unwritten }: Link): void {
    if (unwritten.size === 0) return;
    let count = 0;
    for (const parcel of unwritten) {
      count += parcel.entries.length;
      this.#settle(parcel);
    }
    unwritten.clear();
    this.#options.events.lost(count);
  }

  #send(link: Link, exchange: Exchange): boolean {
    const { writer } = link.connection;
    if (exchange.stage !== "publish") {
      // The upstream counts it among what is unacknowledged, though it was sent on another connection.
      link.window.add(exchange.qos);
      exchange.open = true;
      // Otherwise the PUBREL goes when it is noted.
      if (exchange.stage === "release") writer.ack("pubrel", exchange.packetId);
      return true;
    }
    if (link.abilities.maximumQos === 0) {
      this.#exchanges.remove(exchange);
      this.#sendOnce(link, exchange.parcel);
      return true;
    }
    if (!link.window.fits(exchange.qos)) return false;
    publishExchange(writer, exchange, link.context);
    link.window.add(exchange.qos);
    exchange.open = true;
    exchange.sent = true;
    return true;
  }

  #note(exchange: Exchange): void {
    if (this.#toNote.push(exchange) > 1) return;
    queueMicrotask(() => {
      const noted = this.#toNote;
      this.#toNote = [];
      const changes = noted.map(
        ({ parcel: { lane, first, last } }): Change => ({ kind: "handedOver", lane, first, last }),
      );
      void this.#options.store.record(changes).then(() => this.#release(noted));
    });
  }

  #release(noted: readonly Exchange[]): void {
    for (const exchange of noted) {
      if (exchange.stage !== "noting") continue;
      exchange.stage = "release";
      this.#link?.connection.writer.ack("pubrel", exchange.packetId);
    }
    this.#link?.connection.flush();
  }

  #refused(link: Link, exchange: Exchange, reasonCode: number): void {
    exchange.refusals += 1;
    if (reasonCode === QUOTA_EXCEEDED || (PASSING.has(reasonCode) && exchange.refusals < TRIES)) {
      // It may not be sent again on this connection (MQTT-4.4.0-1), and the pause before the next one gives it time.
      exchange.sent = false;
      link.connection.destroy(new Error(`it refused a message for now (reason ${reasonCode})`));
      return;
    }
    this.#giveUp(exchange, `it refused the message (reason ${reasonCode})`);
  }

  #giveUp(exchange: Exchange, why: string): void {
    this.#exchanges.remove(exchange);
    this.#options.events.refused(exchange.parcel, why);
    this.#close(exchange);
  }

  #forgotten(abilities: Abilities): void {
    let again = 0;
    let handedOver = 0;
    for (const exchange of [...this.#exchanges.all()]) {
      if (exchange.stage === "publish") {
        if (exchange.sent) again += 1;
        exchange.sent = false;
        if (abilities.maximumQos < 2) this.#exchanges.lower(exchange, 1);
        continue;
      }
      handedOver += 1;
      exchange.stage = "release";
      this.#exchanges.remove(exchange);
      this.#close(exchange);
    }
    if (again + handedOver > 0) this.#options.events.sessionLost(again, handedOver);
  }

  #close(exchange: Exchange): void {
    if (exchange.open) this.#link?.window.remove(exchange.qos);
    exchange.open = false;
    this.#settle(exchange.parcel);
  }

  #settle({ lane, entries }: Parcel): void {
    const feed = this.#options.feeds.find((each) => each.lane === lane);
    if (feed === undefined) return;
    for (const { sequence } of entries) feed.outbox.acknowledge(sequence);
    this.#options.store.settled(lane, feed.outbox.settled);
    this.#options.events.settled();
    if (this.#exchanges.size === 0) for (const wake of this.#throughs.splice(0)) wake();
  }
}

/** What belongs to one connection. */
interface Link {
  readonly connection: Connection;
  readonly abilities: Abilities;
  readonly sessionPresent: boolean;
  readonly window: Window;
  readonly context: PublishContext & { now: number };
  /** Begun on connections before this one: they go first, in their order. */
  readonly resend: Exchange[];
  /** QoS 0, whose bytes the system has not taken. */
  readonly unwritten: Set<Parcel>;
  /** Whether anything was acknowledged. */
  progress: boolean;
  /** It answered a ping after the suspect's last connection ended. */
  proven: boolean;
  /** The suspect was sent, and nothing else. */
  alone: boolean;
  paused: boolean;
}
