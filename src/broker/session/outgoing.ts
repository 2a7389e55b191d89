import type { Limits } from "../limits.js";
import { detach, type Publication, weightOf } from "../publication.js";
import type { QueueEntry, StoredSession } from "../store/store.js";
import type { Delivery, Link } from "./delivery.js";
import { Entries } from "./entries.js";
import { packetIdOf, SPAN, sequenceOf } from "./packet-id.js";

/** Bytes that wait, of all sessions together. */
export interface Budget {
  used: number;
  readonly limit: number;
}

/** Where a durable session notes what must survive a crash. */
export interface Notes {
  enqueue(entry: QueueEntry): void;
  released(sequence: number): void;
  settled(sequence: number): void;
  stored(done: () => void): void;
}

/** What became of a client's answer: no message has that id, or one that it does not answer. */
export type Answered = "taken" | "unknown" | "wrong";

type Recovered = Pick<StoredSession, "queue" | "nextSequence" | "sent">;

export interface OutgoingOptions {
  readonly limits: Pick<Limits, "queue" | "inFlight">;
  readonly budget: Budget;
  /** Undefined: the session ends with its connection, nothing is sent a second time. */
  readonly notes: Notes | undefined;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** A message was dropped. */
  readonly dropped: (reason: "queue_full" | "expired" | "too_large" | "denied") => void;
  /** Asked again for what waits, where permissions may have changed since it came. */
  readonly mayReceive: (topic: string) => boolean;
}

/**
 * The QoS 1 and 2 messages to one client, in order. Invariants:
 * - never more than the window are on their way, and never more than SPAN between the oldest and the newest;
 * - a durable session sends a message only once it is stored, and PUBREL only once it is stored that PUBREC came: so after a
 *   crash the same packet id never means another message;
 * - what waits is bounded by messages, and with what is kept until it is acknowledged by bytes, and by the budget of all.
 */
export class Outgoing {
  readonly #options: OutgoingOptions;
  #notes: Notes | undefined;
  #entries: Entries;
  /** The sequence that goes next. */
  #next: number;
  /** What is stored: below this it may go. */
  #stored = Number.POSITIVE_INFINITY;
  #storing = false;
  #inFlight = 0;
  #sent = 0;
  #waiting = 0;
  #bytes = 0;
  #link: Link | undefined;
  /** Below this sequence it is asked again whether the client may have it. */
  #doubted = 0;
  /** What was answered, by topic. */
  #verdicts = new Map<string, boolean>();

  constructor(options: OutgoingOptions, recovered?: Recovered) {
    this.#options = options;
    this.#notes = options.notes;
    const first = recovered?.queue[0]?.sequence ?? recovered?.nextSequence ?? 0;
    this.#entries = new Entries(first);
    this.#next = first;
    if (recovered) this.#recover(recovered);
  }

  get waiting(): number {
    return this.#waiting;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether it is better that nothing more comes for a while. */
  get pressed(): boolean {
    const { queue } = this.#options.limits;
    return this.#waiting * 2 > queue.messages || this.#bytes * 2 > queue.size;
  }

  /** Whether so little waits that more may come: far less than `pressed`, so that publishers are not stopped and let go in turns. */
  get relieved(): boolean {
    const { queue } = this.#options.limits;
    return this.#waiting * 8 < queue.messages && this.#bytes * 8 < queue.size;
  }

  /** Takes a message. It may be dropped, or drop another. */
  add(publication: Publication, qos: 1 | 2, retain: boolean, identifiers: readonly number[] | undefined): void {
    const link = this.#link;
    if (
      this.#notes === undefined &&
      link?.ready === true &&
      this.#next === this.#entries.tail &&
      this.#inFlight < link.window &&
      this.#next - this.#entries.head < SPAN
    ) {
      // Nothing waits: it goes at once, and needs not be kept.
      const sequence = this.#next;
      if (!link.publish(publication, { qos, retain, identifiers, packetId: packetIdOf(sequence), dup: false })) {
        this.#options.dropped("too_large");
        this.#entries.skipTo(sequence + 1);
        this.#next = sequence + 1;
        return;
      }
      this.#entries.send({ publication: undefined, qos, retain, identifiers, progress: "sent", weight: 0 });
      this.#next = sequence + 1;
      this.#inFlight++;
      return;
    }
    this.#queue({ publication: detach(publication), qos, retain, identifiers, progress: "waiting", weight: 0 });
    this.pump();
  }

  /** Takes one that is stored already, in order of the sequences: those between are not there. */
  take({ sequence, publication, qos, retain, identifiers }: QueueEntry): void {
    if (sequence < this.#entries.tail) return;
    this.#entries.skipTo(sequence);
    if (this.#next < this.#entries.head) this.#next = this.#entries.head;
    const weight = weightOf(publication);
    this.#waiting++;
    this.#bytes += weight;
    this.#options.budget.used += weight;
    this.#entries.wait({ publication, qos, retain, identifiers, progress: "waiting", weight });
    this.pump();
  }

  /** Permissions may have changed. */
  doubt(): void {
    this.#doubted = this.#entries.tail;
    this.#verdicts = new Map();
  }

  /** A connection is there: what was on its way goes again, in order (MQTT-4.4.0-1). */
  attach(link: Link): void {
    this.#link = link;
    this.doubt();
    this.pump();
  }

  detach(): void {
    this.#link = undefined;
    this.#sent = Math.max(this.#sent, this.#next);
    for (const [, entry] of this.#entries) if (entry.progress === "sent") entry.progress = "again";
    this.#next = this.#entries.head;
    this.#inFlight = 0;
  }

  /** PUBACK, or a PUBREC that refuses. */
  acknowledged(packetId: number, qos: 1 | 2): Answered {
    const sequence = this.#find(packetId);
    const entry = this.#entries.at(sequence);
    if (entry === undefined) return "unknown";
    if (entry.qos !== qos || entry.progress !== "sent") return "wrong";
    this.#finish(sequence);
    return "taken";
  }

  /** PUBREC: PUBREL follows once that is stored. */
  received(packetId: number): Answered {
    const sequence = sequenceOf(packetId, this.#entries.head);
    const entry = this.#entries.at(sequence);
    if (entry === undefined || entry.progress === "waiting") return "unknown";
    if (entry.qos !== 2) return "wrong";
    // It answers what came on a connection before, and has not come again on this one: PUBREL goes when it has its turn.
    const link = sequence < this.#next ? this.#link : undefined;
    this.#unload(entry);
    entry.progress = "released";
    this.#notes?.released(sequence);
    if (link !== undefined) this.#release(link, packetId);
    return "taken";
  }

  /** PUBCOMP. */
  completed(packetId: number): Answered {
    const sequence = this.#find(packetId);
    const entry = this.#entries.at(sequence);
    if (entry === undefined) return "unknown";
    if (entry.progress !== "released") return "wrong";
    this.#finish(sequence);
    return "taken";
  }

  /** Sends what may go. */
  pump(): void {
    const link = this.#link;
    if (link === undefined) return;
    const entries = this.#entries;
    while (this.#next < entries.tail && this.#next < this.#stored && this.#next - entries.head < SPAN) {
      const entry = entries.at(this.#next);
      if (entry === undefined) this.#next++;
      else if (entry.progress === "released") {
        // Not counted against the window: it was, on the connection before (MQTT 5 4.9).
        this.#inFlight++;
        this.#release(link, packetIdOf(this.#next++));
      } else if (this.#inFlight < link.window && link.ready) this.#send(link, this.#next++, entry);
      else return;
    }
  }

  /** The session ends with its connection from now on. */
  forget(): void {
    this.#notes = undefined;
    this.#stored = Number.POSITIVE_INFINITY;
  }

  /** The session is over. */
  clear(): void {
    this.#options.budget.used -= this.#bytes;
    this.#bytes = 0;
    this.#waiting = 0;
    this.#entries = new Entries(this.#entries.tail);
    this.#next = this.#entries.tail;
    this.#inFlight = 0;
    this.#link = undefined;
  }

  /** What is not done, for a new generation of the store. */
  *live(): Iterable<QueueEntry & { readonly released: boolean }> {
    for (const [sequence, entry] of this.#entries) {
      const { publication = NOTHING, qos, retain, identifiers } = entry;
      yield { sequence, publication, qos, retain, identifiers, released: entry.progress === "released" };
    }
  }

  /** Below this sequence they may have gone out. */
  get sent(): number {
    return this.#sent;
  }

  get nextSequence(): number {
    return this.#entries.tail;
  }

  #send(link: Link, sequence: number, entry: Delivery): void {
    const { publication, qos, retain, identifiers } = entry;
    const dup = entry.progress === "again";
    // What was sent once is sent to its end, for the client may wait for it.
    if (publication === undefined || (!dup && this.#expired(publication))) {
      this.#options.dropped("expired");
      this.#settle(sequence);
      return;
    }
    if (!dup && sequence < this.#doubted && !this.#mayReceive(publication.topic)) {
      this.#options.dropped("denied");
      this.#settle(sequence);
      return;
    }
    if (!link.publish(publication, { qos, retain, identifiers, packetId: packetIdOf(sequence), dup })) {
      this.#options.dropped("too_large");
      this.#settle(sequence);
      return;
    }
    if (!dup) {
      this.#waiting--;
      this.#entries.sent(sequence);
    }
    entry.progress = "sent";
    if (this.#notes === undefined) this.#unload(entry);
    this.#inFlight++;
  }

  #mayReceive(topic: string): boolean {
    const known = this.#verdicts.get(topic);
    if (known !== undefined) return known;
    const verdict = this.#options.mayReceive(topic);
    if (this.#verdicts.size >= MOST_VERDICTS) this.#verdicts = new Map();
    this.#verdicts.set(topic, verdict);
    return verdict;
  }

  /** PUBREL, once it is stored that PUBREC came, on whatever connection that was. */
  #release(link: Link, packetId: number): void {
    if (this.#notes === undefined) {
      link.pubrel(packetId);
      return;
    }
    this.#notes.stored(() => {
      if (this.#link === link) link.pubrel(packetId);
    });
  }

  #expired({ messageExpiry }: Publication): boolean {
    return messageExpiry !== undefined && messageExpiry <= this.#options.now();
  }

  #queue(entry: Delivery): void {
    const { budget, dropped } = this.#options;
    const { queue } = this.#options.limits;
    const weight = entry.publication === undefined ? 0 : weightOf(entry.publication);
    while (
      this.#waiting >= queue.messages ||
      this.#bytes + weight > queue.size ||
      (budget.used + weight > budget.limit && this.#bytes + weight > FAIR_SHARE)
    ) {
      if (queue.whenFull === "drop-newest" || !this.#dropOldest()) {
        dropped("queue_full");
        return;
      }
    }
    entry.weight = weight;
    this.#waiting++;
    this.#bytes += weight;
    budget.used += weight;
    const sequence = this.#entries.wait(entry);
    const { publication, qos, retain, identifiers } = entry;
    if (this.#notes === undefined || publication === undefined) return;
    this.#notes.enqueue({ sequence, publication, qos, retain, identifiers });
    if (this.#stored === Number.POSITIVE_INFINITY) this.#stored = sequence;
    this.#awaitStored();
  }

  /** One call to the store for all that comes until it answers. */
  #awaitStored(): void {
    if (this.#storing) return;
    this.#storing = true;
    const upTo = this.#entries.tail;
    this.#notes?.stored(() => {
      this.#storing = false;
      if (this.#notes !== undefined && upTo < this.#entries.tail) {
        this.#stored = upTo;
        this.#awaitStored();
      } else {
        this.#stored = Number.POSITIVE_INFINITY;
      }
      this.pump();
    });
  }

  /** The oldest that waits; what is on its way stays. False where nothing waits. */
  #dropOldest(): boolean {
    if (this.#waiting === 0) return false;
    this.#options.dropped("queue_full");
    this.#settle(this.#entries.firstWaiting);
    return true;
  }

  /** What it holds is not needed any more. */
  #unload(entry: Delivery): void {
    this.#bytes -= entry.weight;
    this.#options.budget.used -= entry.weight;
    entry.weight = 0;
    entry.publication = undefined;
  }

  /** Its sequence, or one that has nothing. */
  #find(packetId: number): number {
    const sequence = sequenceOf(packetId, this.#entries.head);
    return sequence < this.#next ? sequence : -1;
  }

  #finish(sequence: number): void {
    this.#inFlight--;
    this.#settle(sequence);
    this.pump();
  }

  #settle(sequence: number): void {
    const entry = this.#entries.at(sequence);
    if (entry?.progress === "waiting") this.#waiting--;
    if (entry !== undefined) this.#unload(entry);
    this.#entries.clear(sequence);
    this.#notes?.settled(sequence);
    // Gaps at the head may have taken it beyond.
    if (this.#next < this.#entries.head) this.#next = this.#entries.head;
  }

  #recover({ queue, nextSequence, sent }: Recovered): void {
    const { budget, limits } = this.#options;
    const first = queue[0]?.sequence ?? 0;
    const released = queue.findLast((entry) => entry.released)?.sequence ?? -1;
    // Where it is not known what went out, it is not more than the window.
    let doubtful = limits.inFlight;
    this.#sent = sent ?? nextSequence;
    for (const { sequence, publication, qos, retain, identifiers, ...entry } of queue) {
      this.#entries.skipTo(sequence);
      if (entry.released) {
        this.#entries.send({ publication: undefined, qos, retain, identifiers, progress: "released", weight: 0 });
        continue;
      }
      const weight = weightOf(publication);
      this.#bytes += weight;
      budget.used += weight;
      // What may have gone out goes marked as a duplicate.
      const doubted = sequence < this.#sent && doubtful-- > 0 && sequence - first < SPAN;
      if (sequence < released || doubted) {
        this.#entries.send({ publication, qos, retain, identifiers, progress: "again", weight });
      } else {
        this.#entries.wait({ publication, qos, retain, identifiers, progress: "waiting", weight });
        this.#waiting++;
      }
    }
    this.#entries.skipTo(nextSequence);
  }
}

/** Bytes that a session may hold also where the others hold all: who lets much wait must not keep the others from little. */
const FAIR_SHARE = 16_384;
const MOST_VERDICTS = 256;

/** In place of what needs not be sent again. */
const NOTHING: Publication = { topic: "", payload: new Uint8Array(0), qos: 1, retain: false };
