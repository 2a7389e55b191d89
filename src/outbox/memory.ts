import { WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import { type Drop, drops } from "./drops.js";
import { makeEpoch } from "./epoch.js";
import type { Depth, Entry, Outbox, Terms } from "./outbox.js";
import { Queue } from "./queue.js";
import { expiresAt, staleness, UNDATED } from "./stale.js";
import { Sweep } from "./sweep.js";

export interface MemoryOutboxOptions {
  /** The bridge it serves, for the journal. */
  readonly id: string;
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly whenFull: "drop-oldest" | "drop-newest" | "refuse";
  /** ms after which a message is dropped unsent, whatever its rule says. For ever if left out. */
  readonly maxAge?: number;
  readonly journal: Journal;
  /** ms since the Unix epoch. */
  /** ms since the Unix epoch; undefined while the machine does not know the time. */
  readonly now: () => number | undefined;
}

interface Slot extends Entry {
  readonly size: number;
}

/** So many stale ones leave at once: what the event loop waits for. */
const MOST_STALE = 10_000;

/**
 * An outbox in memory: bounded, every drop counted, empty after a restart.
 *
 * Invariants
 * - `#messages` and `#bytes` count all that is in `#queue`, and never pass their bounds;
 * - a stale one leaves when it is at the head of what waits, behind one that is not it stays until that has left.
 */
export class MemoryOutbox implements Outbox {
  readonly survives = false;
  readonly epoch = makeEpoch();
  readonly #options: MemoryOutboxOptions;
  readonly #drop: Drop;
  readonly #sweep = new Sweep(() => this.#look());
  readonly #queue = new Queue<Slot>();
  #sequence = 0;
  #messages = 0;
  #bytes = 0;
  #wake: () => void = () => {};
  #telling = false;

  constructor(options: MemoryOutboxOptions) {
    this.#options = options;
    this.#drop = drops(options.id, options.journal);
  }

  get depth(): Depth {
    return { messages: this.#messages, bytes: this.#bytes, oldest: this.#queue.oldest?.appended };
  }

  get settled(): number {
    return (this.#queue.oldest?.sequence ?? this.#sequence + 1) - 1;
  }

  onWaiting(listener: () => void): void {
    this.#wake = listener;
  }

  check(message: Message, terms: Terms = {}): void {
    const { whenFull = this.#options.whenFull, rule } = terms;
    if (whenFull === "refuse" && !this.#fitsByNow(sizeOf(message))) this.#refuse(rule);
  }

  async append(message: Message, terms: Terms = {}): Promise<void> {
    const size = sizeOf(message);
    if (!this.#makeRoom(size, terms)) return;
    this.#sequence += 1;
    this.#messages += 1;
    this.#bytes += size;
    const kept = { ...message, payload: unpinned(message.payload) };
    const appended = this.#options.now() ?? UNDATED;
    const expires = expiresAt(appended, terms.expiry);
    this.#queue.add({ sequence: this.#sequence, message: kept, size, appended, expires });
    this.#sweep.touch();
    this.#wake();
  }

  take(): Entry | undefined {
    if (!this.#dropStale()) {
      this.#sweep.soon(); // the rest of them, and then it wakes the bridge
      return undefined;
    }
    return this.#queue.take();
  }

  acknowledge(sequence: number): void {
    const slot = this.#queue.acknowledge(sequence);
    if (slot !== undefined) this.#forget(slot);
  }

  settle(): void {
    // It never lags.
  }

  /** True when the message fits now. False when it was the one to be dropped. */
  #makeRoom(size: number, { whenFull = this.#options.whenFull, rule }: Terms): boolean {
    if (this.#fitsByNow(size)) return true;
    const { maxMessages, maxBytes } = this.#options;
    if (whenFull === "refuse") this.#refuse(rule);
    // What is taken may already be at the upstream: dropping it would free nothing but the knowledge of it. Where it leaves no
    // room, dropping all the rest would be in vain.
    const { messages, bytes } = this.#queue.taken;
    const possible = messages < maxMessages && bytes + size <= maxBytes;
    if (whenFull === "drop-newest" || !possible) {
      this.#drop("newest", rule);
      return false;
    }
    while (!this.#fits(size)) {
      const oldest = this.#queue.shift();
      if (oldest !== undefined) this.#forget(oldest);
      this.#drop("oldest");
    }
    return true;
  }

  #fits(size: number): boolean {
    return this.#messages < this.#options.maxMessages && this.#bytes + size <= this.#options.maxBytes;
  }

  /** Whether it fits, once what is stale has left. */
  #fitsByNow(size: number): boolean {
    if (this.#fits(size)) return true;
    this.#dropStale();
    return this.#fits(size);
  }

  /** Drops what is stale at the head of what waits. False where that was not all of it. */
  #dropStale(): boolean {
    const now = this.#options.now();
    for (let count = 0; ; count += 1) {
      const { head } = this.#queue;
      const why = head === undefined ? undefined : staleness(head, now, this.#options.maxAge);
      if (head === undefined || why === undefined) return true;
      if (count === MOST_STALE) return false;
      this.#queue.shift();
      this.#forget(head);
      this.#drop(why);
    }
  }

  #look(): "empty" | "later" | "more" {
    const all = this.#dropStale();
    if (this.#messages === 0) return "empty";
    if (all) this.#wake();
    return all ? "later" : "more";
  }

  #refuse(rule: string | undefined): never {
    this.#drop("refused", rule);
    const held = `holds ${this.#messages} messages, ${this.#bytes} bytes`;
    throw new WeirError("OUTBOX_FULL", `outbox of bridge ${this.#options.id} ${held}`);
  }

  /** It was acknowledged or dropped, and `settled` may have moved. */
  #forget(slot: Slot): void {
    this.#messages -= 1;
    this.#bytes -= slot.size;
    if (this.#telling) return;
    // Not within the call of whoever acknowledges, and once for all that it acknowledges.
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.#wake();
    });
  }
}

function sizeOf({ topic, payload }: Message): number {
  return Buffer.byteLength(topic) + payload.length;
}

/** Smaller pieces than this are Node's own pool, or not worth a copy. Not `Buffer.poolSize`: Node 24 made that as large as a read. */
const LARGE = 8_192;

/** A payload from a socket is a view of all that was read at once: kept, 4 bytes would hold 64 kB that nobody counts. */
function unpinned(payload: Uint8Array): Uint8Array {
  const { byteLength } = payload.buffer;
  return byteLength > LARGE && payload.length * 2 < byteLength ? Buffer.from(payload) : payload;
}
