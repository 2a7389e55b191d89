import type { Limits } from "../limits.js";
import type { Publication } from "../publication.js";
import type { Session } from "../session/session.js";
import { encodePublication, encodeSending, entryFrom, entryId, type Sending } from "./codec.js";
import { queueKey } from "./keys.js";
import type { Outstanding } from "./outstanding.js";
import type { Redis } from "./redis.js";

export interface QueuesOptions {
  readonly redis: Redis;
  readonly outstanding: Outstanding;
  readonly limits: Pick<Limits, "queue">;
  /** As many were taken out of a client's queue, which was full. */
  readonly dropped: (clientId: string, count: number) => void;
}

/** Entries that are read at once; entries that wait in this process for one client. */
const BATCH = 256;
const ROOM = 512;
const NONE: ReadonlySet<string> = new Set();

/**
 * What waits for durable sessions: a stream each, in Redis. Whoever publishes appends; the node where the session is reads, and
 * deletes what is done with. Redis gives the sequence, from which the packet id follows: a message that goes out again, from
 * whatever node, has the id that it had. A message that is heard is only the sign to read: one that was missed costs nothing.
 */
export class Queues {
  readonly #options: QueuesOptions;
  /** Being read; true: once more. */
  readonly #reading = new Map<Session, boolean>();
  /** There is more than fits in here. */
  readonly #behind = new Map<string, Session>();
  /** Whose queues have the message that is being delivered. */
  #holders = NONE;
  #last: Publication | undefined;
  #encoded: Buffer = Buffer.alloc(0);

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  append(clientId: string, publication: Publication, sending: Sending): void {
    const { redis, outstanding, limits } = this.#options;
    if (this.#last !== publication) {
      this.#last = publication;
      this.#encoded = encodePublication(publication);
    }
    const key = queueKey(clientId);
    const most = limits.queue.messages;
    outstanding.track(
      redis.commands.xadd(key, "MAXLEN", "~", most, "0-*", "m", this.#encoded, "s", encodeSending(sending)),
    );
  }

  /** Runs what delivers a message that is in the queues of `holders`. */
  during(holders: readonly string[], run: () => void): void {
    this.#holders = holders.length === 0 ? NONE : new Set(holders);
    run();
    this.#holders = NONE;
    this.#last = undefined;
  }

  /** A message for the session. Where it is not in the queue yet (shared, retained, or subscribed a moment ago) it is put there. */
  offer(session: Session, publication: Publication, sending: Sending): void {
    if (!this.#holders.has(session.clientId)) this.append(session.clientId, publication, sending);
    this.ring(session);
  }

  /** There may be something in its queue. */
  ring(session: Session): void {
    if (!session.online) return;
    if (this.#reading.has(session)) {
      this.#reading.set(session, true);
      return;
    }
    this.#reading.set(session, false);
    this.#read(session).then(
      () => this.#reading.delete(session),
      // Redis went away: when it is back, all are rung.
      () => this.#reading.delete(session),
    );
  }

  settled(clientId: string): void {
    const session = this.#behind.get(clientId);
    if (session === undefined || session.outgoing.waiting > ROOM / 2) return;
    this.#behind.delete(clientId);
    this.ring(session);
  }

  forget(clientId: string): void {
    this.#behind.delete(clientId);
  }

  async #read(session: Session): Promise<void> {
    const { clientId, outgoing } = session;
    const { commands } = this.#options.redis;
    for (let more = true; more; more ||= this.#reading.get(session) === true) {
      if (!session.online) return;
      if (outgoing.waiting >= ROOM) {
        this.#behind.set(clientId, session);
        session.link?.press();
        return;
      }
      this.#reading.set(session, false);
      const from = outgoing.nextSequence;
      const found = await commands.xrangeBuffer(queueKey(clientId), entryId(from), "+", "COUNT", BATCH);
      // It may have gone to another node meanwhile.
      if (!session.online) return;
      for (const one of found) this.#hand(session, one);
      more = found.length === BATCH;
    }
  }

  #hand(session: Session, one: [Buffer, Buffer[]]): void {
    const { clientId, outgoing } = session;
    const entry = entryFrom(one);
    if (entry === undefined || !session.mayReceive(entry.publication.topic)) {
      this.#options.outstanding.track(this.#options.redis.commands.xdel(queueKey(clientId), one[0].toString()));
      return;
    }
    const missing = entry.sequence - outgoing.nextSequence;
    // 0: it has not read any.
    if (missing > 0 && outgoing.nextSequence > 0) this.#options.dropped(clientId, missing);
    outgoing.take(entry);
  }
}
