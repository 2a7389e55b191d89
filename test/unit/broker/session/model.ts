import assert from "node:assert/strict";
import type { Limits } from "../../../../src/broker/limits.js";
import type { Publication } from "../../../../src/broker/publication.js";
import type { HowSent, Link } from "../../../../src/broker/session/delivery.js";
import { type Budget, type Notes, Outgoing } from "../../../../src/broker/session/outgoing.js";
import type { QueueEntry, StoredSession } from "../../../../src/broker/store/store.js";

/** What a session sends, in order: `publish 1 a`, `publish 1 a dup`, `pubrel 1`. */
export interface FakeLink extends Link {
  readonly said: string[];
  window: number;
  ready: boolean;
  /** Payloads longer than this are too large for the client. */
  longest: number;
}

export function fakeLink(window = 10): FakeLink {
  const said: string[] = [];
  return {
    said,
    window,
    ready: true,
    longest: 1_000_000,
    publish(publication, { packetId, dup }) {
      if (publication.payload.length > this.longest) return false;
      said.push(`publish ${packetId} ${publication.topic}${dup ? " dup" : ""}`);
      return true;
    },
    pubrel: (packetId) => void said.push(`pubrel ${packetId}`),
  };
}

export function publicationOf(topic: string, rest: Partial<Publication> = {}): Publication {
  return { topic, payload: Buffer.from(topic), qos: 2, retain: false, ...rest };
}

type Recorded = { entry: QueueEntry; released: boolean; settled: boolean };

/** The part of a store that one session sees; what was noted is stored when `flush` is called. */
export class FakeNotes implements Notes {
  /** By sequence, as after all that was noted; and as on the medium. */
  #noted = new Map<number, Recorded>();
  #medium = new Map<number, Recorded>();
  #next = 0;
  #mediumNext = 0;
  #waiting: (() => void)[] = [];
  instant = false;

  enqueue(entry: QueueEntry): void {
    assert.ok(entry.sequence >= this.#next, "a sequence is given once");
    this.#next = entry.sequence + 1;
    this.#noted.set(entry.sequence, { entry, released: false, settled: false });
  }

  released(sequence: number): void {
    const known = this.#noted.get(sequence);
    if (known !== undefined) this.#noted.set(sequence, { ...known, released: true });
  }

  settled(sequence: number): void {
    this.#noted.delete(sequence);
  }

  stored(done: () => void): void {
    if (this.instant) {
      this.#keep();
      done();
    } else this.#waiting.push(done);
  }

  isStored(topic: string): boolean {
    for (const { entry } of this.#medium.values()) if (entry.publication.topic === topic) return true;
    return false;
  }

  flush(): void {
    this.#keep();
    for (const done of this.#waiting.splice(0)) done();
  }

  /** What a crash leaves. */
  recovered(): Pick<StoredSession, "queue" | "nextSequence"> {
    const queue = [...this.#medium.entries()]
      .sort(([a], [b]) => a - b)
      .map(([, each]) => ({ ...each.entry, released: each.released }));
    return { queue, nextSequence: this.#mediumNext };
  }

  static after(crashed: FakeNotes): FakeNotes {
    const notes = new FakeNotes();
    notes.#noted = new Map(crashed.#medium);
    notes.#medium = new Map(crashed.#medium);
    notes.#next = notes.#mediumNext = crashed.#mediumNext;
    return notes;
  }

  #keep(): void {
    this.#medium = new Map(this.#noted);
    this.#mediumNext = this.#next;
  }
}

export interface Setup {
  readonly limits?: { readonly queue?: Partial<Limits["queue"]>; readonly inFlight?: number };
  readonly budget?: Budget;
  readonly notes?: Notes;
  readonly now?: () => number;
  readonly recovered?: Pick<StoredSession, "queue" | "nextSequence">;
}

export function open({ limits = {}, budget, notes, now = () => 0, recovered }: Setup = {}): {
  out: Outgoing;
  dropped: string[];
  budget: Budget;
} {
  const dropped: string[] = [];
  const shared = budget ?? { used: 0, limit: 1_000_000 };
  const queue = { messages: 1_000, size: 1_000_000, whenFull: "drop-oldest" as const, ...limits.queue };
  const options = {
    limits: { queue, inFlight: limits.inFlight ?? 10 },
    budget: shared,
    notes,
    now,
    dropped: (why: string) => void dropped.push(why),
    mayReceive: () => true,
  };
  return { out: new Outgoing(options, recovered), dropped, budget: shared };
}

type Sent = { kind: "publish"; id: number; topic: string; qos: 1 | 2; dup: boolean } | { kind: "pubrel"; id: number };

/** A client that keeps to the standard, and complains where the broker does not. Its session outlives its connections. */
export class ModelClient {
  /** Topics in the order in which they were taken. */
  readonly taken: string[] = [];
  /** QoS 2: ids for which PUBREC went out and PUBREL has not come. */
  readonly #receiving = new Map<number, string>();
  /** Ids on their way on this connection, by what they stand for. */
  readonly #flying = new Map<number, string>();
  /** What each id has stood for until it was done with, over all connections. */
  readonly #means = new Map<number, string>();
  /** Sent before a crash: which of those were sent is not stored, so that not all of them are marked as duplicates. */
  #doubtful = new Set<string>();
  readonly #inbox: Sent[] = [];

  /** The broker has forgotten what is not stored. */
  crashed(): void {
    this.#doubtful = new Set(this.#means.values());
  }

  link(window: number): Link & { ready: boolean } {
    this.#inbox.length = 0;
    this.#flying.clear();
    return {
      window,
      ready: true,
      publish: (publication: Publication, { packetId, qos, dup }: HowSent) => {
        assert.ok(qos !== 0 && packetId >= 1 && packetId <= 65_535);
        assert.ok(!this.#flying.has(packetId), `id ${packetId} twice`);
        const before = this.#means.get(packetId);
        assert.ok(before === undefined || before === publication.topic, `id ${packetId} means another message`);
        assert.ok(dup || before === undefined || this.#doubtful.has(before), "sent again without DUP");
        this.#means.set(packetId, publication.topic);
        this.#flying.set(packetId, publication.topic);
        assert.ok(this.#flying.size <= window, "more than the window");
        this.#inbox.push({ kind: "publish", id: packetId, topic: publication.topic, qos, dup });
        return true;
      },
      pubrel: (id) => void this.#inbox.push({ kind: "pubrel", id }),
    };
  }

  get hasWork(): boolean {
    return this.#inbox.length > 0;
  }

  /** Reads one packet and answers it; `lost`: the answer never arrives. */
  step(out: Outgoing, lost = false): void {
    const packet = this.#inbox.shift();
    if (packet === undefined) return;
    if (packet.kind === "pubrel") {
      this.#receiving.delete(packet.id);
      if (lost) return;
      this.#done(packet.id);
      // Answers to what a connection before has completed are ignored.
      assert.notEqual(out.completed(packet.id), "wrong");
      return;
    }
    const { id, topic, qos } = packet;
    if (qos === 1) {
      this.taken.push(topic);
      if (lost) return;
      this.#done(id);
      assert.equal(out.acknowledged(id, 1), "taken");
      return;
    }
    const known = this.#receiving.get(id);
    if (known === undefined) this.taken.push(topic);
    else assert.equal(known, topic, `id ${id} is another message before PUBREL`);
    this.#receiving.set(id, topic);
    if (!lost) assert.equal(out.received(id), "taken");
  }

  #done(id: number): void {
    this.#flying.delete(id);
    this.#means.delete(id);
  }
}
