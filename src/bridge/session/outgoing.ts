import type { Qos } from "../../core/message.js";
import type { AckPacket } from "../../protocols/mqtt/index.js";
import type { Abilities } from "./abilities.js";
import { Condemned } from "./condemned.js";
import { Exchanges } from "./exchanges.js";
import type { Feed } from "./feed.js";
import { Gaps } from "./gaps.js";
import { inRanges } from "./in-ranges.js";
import { type Line, type Link, newLink } from "./link.js";
import { Notes } from "./notes.js";
import type { OutgoingOptions } from "./outgoing-options.js";
import { packetIdOf } from "./packet-id.js";
import { type Exchange, type Parcel, sizeOfParcel } from "./parcel.js";
import { capped, publishExchange, publishOnce, unsendable } from "./publish.js";
import { Suspicion } from "./suspicion.js";
import { isForGood } from "./verdict.js";

/** Packets that are written before others have their turn. */
const TURN = 256;
/** Bytes of topics and payloads that may be on their way at once: what is, is in memory. Always one message, however large. */
const MOST_BYTES = 64 * 1024 * 1024;
/**
 * Sends what the feeds have, in order and within the window, and sees each message through (MQTT 4.3, 4.4). Lives as long as the
 * bridge: what is on its way when a connection ends is kept here and sent again on the next one.
 *
 * Exactly once at QoS 2, whoever is killed when: a message keeps its packet id for ever (packet-id.ts), and before PUBREL is sent
 * it is noted durably that the upstream has it. So after a crash it goes as PUBLISH under the old id, which the upstream
 * still holds, or as PUBREL; never as a PUBLISH that the upstream takes for new. What is left is an upstream that forgets its
 * session: whatever had not come to its end is sent again, and said so. PUBREC is not the end of it: many deliver at PUBREL.
 */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #exchanges = new Exchanges();
  readonly #suspicion = new Suspicion();
  readonly #condemned = new Condemned();
  /** Up to here it may have been sent in a life before this one. By lane. */
  readonly #before: readonly number[];
  /** What of that is not there any more. By lane. */
  readonly #gaps: readonly Gaps[];
  /** The upstream has known our session ever since this life began. */
  #sameSession = true;
  #link: Link | undefined;
  readonly #notes: Notes;
  #timer: NodeJS.Timeout | undefined;
  #pumping = false;
  #scheduled = false;
  readonly #throughs: (() => void)[] = [];

  constructor(options: OutgoingOptions) {
    this.#options = options;
    const before: number[] = [];
    const gaps: Gaps[] = [];
    for (const { lane, outbox } of options.feeds) {
      before[lane] = outbox.settled + (outbox.depth.messages > 0 ? options.span : 0);
      gaps[lane] = new Gaps(lane, outbox.settled, before[lane] ?? 0);
    }
    this.#before = before;
    this.#gaps = gaps;
    this.#notes = new Notes(options.store, (noted) => this.#release(noted));
    for (const feed of options.feeds) feed.onReady(() => this.pump());
  }

  /** Resolves once nothing is on its way. */
  through(): Promise<void> {
    if (this.#exchanges.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#throughs.push(resolve));
  }

  /** Names what has waited for the upstream the longest; undefined where nothing does. */
  get oldest(): string | undefined {
    for (const { open, stage, packetId } of this.#exchanges.all())
      if (open && stage !== "noting") return `${packetId} ${stage}`;
    return undefined;
  }

  /**
   * A connection is there. `sessionPresent`: the upstream knows what came over the one before; otherwise the store was told `reset`.
   */
  connected(connection: Line, abilities: Abilities, sessionPresent: boolean): void {
    if (!sessionPresent) this.#forgotten();
    const link = newLink(connection, abilities, sessionPresent, [...this.#exchanges.all()], this.#options);
    this.#link = link;
    for (const { lane, outbox } of this.#options.feeds)
      if (outbox.depth.messages === 0) this.#releaseGap(link, this.#gaps[lane]?.rest() ?? []);
    const { suspect } = this.#suspicion;
    if (suspect !== undefined && !this.#exchanges.has(suspect)) this.#suspicion.cleared();
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
    const first = [...this.#exchanges.all()].find(({ stage, open }) => open && stage !== "noting");
    for (const exchange of this.#exchanges.all()) exchange.open = false;
    if (!byUpstream || link.progress || first === undefined) return;
    if (!this.#suspicion.ended(first.packetId, link.alone)) return;
    // PUBREL is all that was left of it: the upstream has it.
    if (first.stage === "release") this.#finish(first);
    else {
      this.#condemned.add(first.parcel, this.#options.ticks());
      this.#giveUp(first, "it closes the connection when it gets this message");
    }
  }

  /** Sends nothing new, so that what is on its way can come to its end. */
  hold(): void {
    if (this.#link !== undefined) this.#link.paused = true;
  }

  acknowledged({ kind, packetId, reasonCode }: AckPacket): void {
    const link = this.#link;
    if (link === undefined || kind === "pubrel") return;
    const outcome = this.#exchanges.answer(kind, packetId, reasonCode);
    switch (outcome.kind) {
      case "done":
        this.#finish(outcome.exchange);
        this.#unsuspect(link, outcome.exchange);
        break;
      case "note":
        this.#notes.add(outcome.exchange);
        break;
      case "release":
        link.connection.writer.ack("pubrel", packetId);
        link.connection.flush();
        break;
      case "refused":
        this.#refused(link, outcome.exchange, reasonCode);
        this.#unsuspect(link, outcome.exchange);
        break;
    }
    this.#again();
  }

  /**
   * It came to its end, so that it is not what the upstream closes at. What was sent along with it may be: that goes alone as well,
   * one after another. PUBREC is no end: an upstream that forgets its sessions gives one each time, and closes before PUBCOMP.
   */
  #unsuspect(link: Link, { packetId }: Exchange): void {
    link.progress = true;
    const next = link.resend.find((exchange) => this.#exchanges.holds(exchange));
    if (next === undefined || packetId !== this.#suspicion.suspect) this.#suspicion.cleared();
    else this.#suspicion.look(next.packetId);
    link.alone = false;
  }

  /** Sends what can be sent now. */
  pump(): void {
    const link = this.#link;
    if (link === undefined || this.#pumping) return;
    this.#pumping = true;
    link.context.now = this.#options.now();
    let left = TURN;
    try {
      while (left > 0 && link.connection.writable && this.#sendNext(link)) left -= 1;
    } finally {
      this.#pumping = false;
    }
    if (left < TURN) link.connection.flush();
    // Others have their turn first. A socket that is blocked says when it takes more.
    if (left === 0 || link.connection.full) setImmediate(() => this.pump());
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
      if (this.#exchanges.holds(again) && !this.#send(link, again)) return false;
      link.resend.shift();
      return true;
    }
    // Where one has to wait, the other need not.
    return !link.paused && this.#options.feeds.some((feed) => this.#sendFrom(link, feed));
  }

  #sendAlone(link: Link, suspect: number): boolean {
    if (!link.proven || link.alone) return false;
    const exchange = link.resend.find(({ packetId }) => packetId === suspect);
    if (exchange === undefined) return false;
    link.resend.splice(link.resend.indexOf(exchange), 1);
    link.alone = true;
    const sent = this.#send(link, exchange);
    // Set aside, or sent at most once: nothing will be heard of it.
    if (!this.#exchanges.holds(exchange)) this.#unsuspect(link, exchange);
    return sent;
  }

  /** The first time in this life. False where there is none, or it has to wait. */
  #sendFrom(link: Link, feed: Feed): boolean {
    const { pace, ticks, store, events } = this.#options;
    const { lane } = feed;
    const parcel = feed.peek();
    if (parcel === undefined || !this.#hasRoom(feed, parcel)) return false;
    const noted = this.#sameSession && inRanges(store.recovered.handedOver[lane], parcel.first);
    const qos: Qos = noted ? 2 : capped(parcel.message.qos, link.abilities);
    if (qos > 0 && !link.window.fits(qos)) return false;
    const wait = lane === 0 ? pace.take(parcel.entries.length, ticks()) : 0;
    if (wait > 0) return this.#later(wait);
    feed.shift();
    events.begun(parcel);
    this.#releaseGap(link, this.#gaps[lane]?.upTo(parcel.first, parcel.last) ?? []);
    if (qos === 0) {
      this.#sendOnce(link, parcel);
      return true;
    }
    const sent = link.sessionPresent && parcel.first <= (this.#before[lane] ?? 0);
    return this.#send(link, this.#exchanges.begin(parcel, qos, sent, noted));
  }

  #hasRoom({ lane, outbox }: Feed, parcel: Parcel): boolean {
    const { size, bytes } = this.#exchanges;
    if (this.#exchanges.has(packetIdOf(lane, parcel.first))) return false;
    if (size > 0 && bytes + sizeOfParcel(parcel) > MOST_BYTES) return false;
    // The first of all may reach beyond: a batch of a life before this one, in which the span was larger.
    if (parcel.last <= outbox.settled + this.#options.span || parcel.first <= outbox.settled + 1) return true;
    outbox.settle();
    return false;
  }

  /** On a session of a life before this one, and where QoS 2 may have been sent. */
  #releaseGap(link: Link, packetIds: readonly number[]): void {
    if (packetIds.length === 0 || !this.#sameSession || !link.sessionPresent || link.abilities.maximumQos < 2) return;
    for (const packetId of packetIds)
      if (!this.#exchanges.has(packetId)) link.connection.writer.ack("pubrel", packetId);
    link.connection.flush();
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
    const why = this.#unsendable(link, parcel);
    if (why !== undefined) {
      this.#refuse(parcel, why);
      return;
    }
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
    const why = this.#unsendable(link, exchange.parcel);
    const qos = capped(exchange.qos, link.abilities);
    if (why !== undefined) {
      this.#giveUp(exchange, why);
      return true;
    }
    if (qos === 0) {
      this.#exchanges.remove(exchange);
      this.#sendOnce(link, exchange.parcel);
      return true;
    }
    exchange.qos = qos;
    if (!link.window.fits(qos)) return false;
    publishExchange(writer, exchange, link.context);
    link.window.add(exchange.qos);
    exchange.open = true;
    exchange.sent = true;
    return true;
  }

  #release(noted: readonly Exchange[]): void {
    for (const exchange of noted) {
      if (exchange.stage !== "noting") continue;
      exchange.stage = "release";
      // Where it did not have its turn on this connection yet, PUBREL goes then.
      if (exchange.open) this.#link?.connection.writer.ack("pubrel", exchange.packetId);
    }
    this.#link?.connection.flush();
  }

  #refused(link: Link, exchange: Exchange, reasonCode: number): void {
    exchange.refusals += 1;
    if (isForGood(reasonCode, exchange.refusals)) {
      this.#giveUp(exchange, `it refused the message (reason ${reasonCode})`);
      return;
    }
    // It may not be sent again on this connection (MQTT-4.4.0-1), and the pause before the next one gives it time.
    exchange.sent = false;
    link.connection.destroy(new Error(`it refused a message for now (reason ${reasonCode})`));
  }

  #giveUp(exchange: Exchange, why: string): void {
    this.#over(exchange);
    this.#refuse(exchange.parcel, why);
  }

  #unsendable(link: Link, parcel: Parcel): string | undefined {
    if (this.#condemned.holds(parcel, this.#options.ticks()))
      return "it closed the connection at messages of this topic a while ago";
    return unsendable(parcel, link.context);
  }

  /** Kept elsewhere first: after a crash it must be here or there. */
  #refuse(parcel: Parcel, why: string): void {
    void this.#options.events.refused(parcel, why).then(() => {
      this.#settle(parcel);
      this.#again();
    });
  }

  /** On the new session all of them are new. */
  #forgotten(): void {
    this.#sameSession = false;
    let again = 0;
    for (const exchange of this.#exchanges.all()) {
      if (exchange.sent) again += 1;
      exchange.stage = "publish";
      exchange.sent = false;
    }
    if (again > 0) this.#options.events.sessionLost(again);
  }

  #finish(exchange: Exchange): void {
    this.#over(exchange);
    this.#settle(exchange.parcel);
  }

  #over(exchange: Exchange): void {
    this.#exchanges.remove(exchange);
    if (exchange.open) this.#link?.window.remove(exchange.qos);
    exchange.open = false;
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
