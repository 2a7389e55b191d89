import type { Publication } from "../publication.js";
import { ByteReader, Malformed } from "./bytes.js";
import { qosOf, readPublication } from "./publication-fields.js";
import {
  AS_PUBLISHED,
  DISCONNECTED,
  IDENTIFIED,
  KIND,
  NO_LOCAL,
  OWNED,
  QOS,
  RELEASED,
  RETAIN,
  SENT,
  WILL,
} from "./record.js";
import type { QueueEntry, SessionTerms, StoredSession, StoredSubscription, StoredWill } from "./store.js";

interface Known {
  terms: SessionTerms;
  /** What most sessions do not have is made when it is needed. */
  subscriptions: Map<string, StoredSubscription> | undefined;
  queue: Map<number, QueueEntry & { released: boolean }> | undefined;
  received: Set<number> | undefined;
  next: number;
}

/**
 * Makes the state of records, in their order. Each of them says what is so from now on, whatever was before: the same ones
 * again, from any place on, end in the same state.
 */
export class Replay {
  readonly #sessions = new Map<string, Known>();
  readonly #retained = new Map<string, Publication>();
  #publications = new Map<number, Publication>();
  /** Entries that were read, of whatever became of them. */
  entries = 0;
  /** Records about something that is not there. */
  orphans = 0;
  /** The last snapshot is whole. */
  ended = false;

  /** Numbers of publications mean others from here on. */
  forget(): void {
    if (this.#publications.size > 0) this.#publications = new Map();
  }

  /** Applies the records of a frame. Throws Malformed at the first that is none; those before it are applied. */
  frame(bytes: Buffer, start: number, end: number): void {
    const from = new ByteReader(bytes, start, end);
    const names: string[] = [];
    while (from.more) this.#record(from, names);
  }

  sessions(): StoredSession[] {
    const all: StoredSession[] = [];
    for (const [clientId, { terms, subscriptions, queue, received, next }] of this.#sessions) {
      const lists = { subscriptions: [...(subscriptions?.values() ?? [])], received: [...(received ?? [])] };
      // A snapshot that was taken while it changed is in order too, unless a part of it is damaged.
      const entries = [...(queue?.values() ?? [])].sort((a, b) => a.sequence - b.sequence);
      all.push({ clientId, ...terms, ...lists, queue: entries, nextSequence: next });
    }
    return all;
  }

  retained(): Publication[] {
    return [...this.#retained.values()];
  }

  #record(from: ByteReader, names: string[]): void {
    const kind = from.byte();
    if (kind === KIND.publication)
      this.#publications.set(
        from.number(),
        readPublication(from, () => nameOf(from, names)),
      );
    else if (kind === KIND.retained) this.#retain(this.#publications.get(from.number()));
    else if (kind === KIND.cleared) this.#retained.delete(from.text());
    else if (kind === KIND.end) this.#end(from.number());
    else this.#about(kind, nameOf(from, names), from, names);
  }

  #about(kind: number, clientId: string, from: ByteReader, names: string[]): void {
    if (kind === KIND.session) this.#put(clientId, readTerms(from, names));
    else if (kind === KIND.dropped) this.#sessions.delete(clientId);
    else {
      const session = this.#sessions.get(clientId);
      if (session === undefined) this.orphans += 1;
      if (kind === KIND.entry) this.#queue(session, from);
      else if (kind === KIND.subscription) subscribe(session, readSubscription(from));
      else if (kind === KIND.unsubscribed) unsubscribe(session, from.text());
      else change(kind, session, from.number());
    }
  }

  #put(clientId: string, terms: SessionTerms): void {
    const session = this.#sessions.get(clientId);
    const nothing = { subscriptions: undefined, queue: undefined, received: undefined, next: 0 };
    if (session === undefined) this.#sessions.set(clientId, { terms, ...nothing });
    else session.terms = terms;
  }

  #queue(session: Known | undefined, from: ByteReader): void {
    const sequence = from.number();
    const publication = this.#publications.get(from.number());
    const flags = from.byte();
    const identifiers = flags & IDENTIFIED ? readNumbers(from) : undefined;
    const qos = qosOf(flags & QOS);
    if (qos === 0) throw new Malformed("an entry of QoS 0");
    if (session === undefined) return;
    raise(session, sequence + 1);
    if (publication === undefined) {
      this.orphans += 1;
      return;
    }
    const [retain, released] = [(flags & RETAIN) !== 0, (flags & RELEASED) !== 0];
    session.queue ??= new Map();
    session.queue.set(sequence, { sequence, publication, qos, retain, identifiers, released });
    this.entries += 1;
  }

  #retain(publication: Publication | undefined): void {
    if (publication === undefined) this.orphans += 1;
    else this.#retained.set(publication.topic, publication);
  }

  #end(entries: number): void {
    this.ended = true;
    this.entries = entries;
  }
}

function subscribe(session: Known | undefined, subscription: StoredSubscription): void {
  if (session === undefined) return;
  session.subscriptions ??= new Map();
  session.subscriptions.set(subscription.filter, subscription);
}

function unsubscribe(session: Known | undefined, filter: string): void {
  session?.subscriptions?.delete(filter);
}

/** A record that has a sequence or a packet id. Throws Malformed for a kind that there is not. */
function change(kind: number, session: Known | undefined, value: number): void {
  const entry = session?.queue?.get(value);
  // Also where the entry itself is lost, its sequence was given.
  if (kind === KIND.settled || kind === KIND.released) raise(session, value + 1);
  if (kind === KIND.settled) session?.queue?.delete(value);
  else if (kind === KIND.completed) session?.received?.delete(value);
  else if (kind === KIND.received) receive(session, value);
  else if (kind === KIND.next) raise(session, value);
  else if (kind !== KIND.released) throw new Malformed(`a record of kind ${kind}`);
  else if (entry !== undefined) entry.released = true;
}

function receive(session: Known | undefined, packetId: number): void {
  if (session === undefined) return;
  session.received ??= new Set();
  session.received.add(packetId);
}

function raise(session: Known | undefined, next: number): void {
  if (session !== undefined) session.next = Math.max(session.next, next);
}

function nameOf(from: ByteReader, names: string[]): string {
  const number = from.number();
  if (number === names.length) names.push(from.text());
  const name = names[number];
  if (name === undefined) throw new Malformed(`client ${number} of ${names.length}`);
  return name;
}

function readTerms(from: ByteReader, names: string[]): SessionTerms {
  const expiry = from.number();
  const flags = from.byte();
  const listener = from.text();
  const user = flags & OWNED ? from.text() : undefined;
  const disconnected = flags & DISCONNECTED ? from.number() : undefined;
  const sent = flags & SENT ? from.number() : undefined;
  const read = (): StoredWill => ({
    delay: from.number(),
    publication: readPublication(from, () => nameOf(from, names)),
  });
  const will = flags & WILL ? read() : undefined;
  return { user, listener, expiry, will, disconnected, sent };
}

function readSubscription(from: ByteReader): StoredSubscription {
  const filter = from.text();
  const flags = from.byte();
  const [noLocal, retainAsPublished] = [(flags & NO_LOCAL) !== 0, (flags & AS_PUBLISHED) !== 0];
  const identifier = flags & IDENTIFIED ? from.number() : undefined;
  return { filter, qos: qosOf(flags & QOS), noLocal, retainAsPublished, identifier };
}

function readNumbers(from: ByteReader): number[] {
  const all: number[] = [];
  // A count that lies ends with the frame.
  for (let left = from.number(); left > 0; left -= 1) all.push(from.number());
  return all;
}
