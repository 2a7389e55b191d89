import { WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import type { Depth, Entry, Outbox } from "./outbox.js";

export interface MemoryOutboxOptions {
  /** The bridge it serves, for the journal. */
  readonly id: string;
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly whenFull: "drop-oldest" | "drop-newest" | "refuse";
  readonly journal: Journal;
  readonly now: () => number;
}

type State = "waiting" | "taken" | "done";
interface Slot extends Entry {
  state: State;
  readonly size: number;
  readonly appended: number;
}

/**
 * An outbox in memory: bounded, every drop counted, empty after a restart.
 *
 * Invariants
 * - `slots[head..]` are in order of sequence without a gap, so a sequence's place is a subtraction;
 * - the slot at `head` is never done: a done prefix is freed at once;
 * - every slot before `next` is taken or done, so `take` never looks at one twice;
 * - `messages` and `bytes` count the slots that are not done and never pass their bounds, save that one
 *   message larger than `maxBytes` is refused or dropped like any other that does not fit.
 */
export class MemoryOutbox implements Outbox {
  readonly #options: MemoryOutboxOptions;
  #slots: Slot[] = [];
  #head = 0;
  #next = 0;
  #sequence = 0;
  #messages = 0;
  #bytes = 0;
  #wake: () => void = () => {};

  constructor(options: MemoryOutboxOptions) {
    this.#options = options;
  }

  get depth(): Depth {
    return { messages: this.#messages, bytes: this.#bytes, oldest: this.#slots[this.#head]?.appended };
  }

  onWaiting(listener: () => void): void {
    this.#wake = listener;
  }

  async append(message: Message): Promise<void> {
    const size = message.topic.length + message.payload.length;
    if (!this.#makeRoom(size)) return;
    this.#sequence += 1;
    this.#messages += 1;
    this.#bytes += size;
    this.#slots.push({ sequence: this.#sequence, message, state: "waiting", size, appended: this.#options.now() });
    this.#wake();
  }

  take(): Entry | undefined {
    for (; this.#next < this.#slots.length; this.#next += 1) {
      const slot = this.#slots[this.#next];
      if (slot?.state !== "waiting") continue;
      slot.state = "taken";
      this.#next += 1;
      return slot;
    }
    return undefined;
  }

  acknowledge(sequence: number): void {
    const slot = this.#find(sequence);
    if (slot !== undefined && slot.state !== "done") this.#finish(slot);
  }

  release(sequence: number): void {
    const slot = this.#find(sequence);
    if (slot?.state !== "taken") return;
    slot.state = "waiting";
    this.#next = Math.min(this.#next, this.#place(sequence));
  }

  /** True when the message fits now. False when it was the one to be dropped. */
  #makeRoom(size: number): boolean {
    const { maxMessages, maxBytes, whenFull, id } = this.#options;
    while (this.#messages + 1 > maxMessages || this.#bytes + size > maxBytes) {
      const oldest = whenFull === "drop-oldest" && size <= maxBytes ? this.#oldestWaiting() : undefined;
      if (oldest === undefined) {
        this.#count(whenFull === "refuse" ? "refused" : "newest");
        if (whenFull !== "refuse") return false;
        throw new WeirError(
          "OUTBOX_FULL",
          `outbox of bridge ${id} holds ${this.#messages} messages, ${this.#bytes} bytes`,
        );
      }
      this.#finish(oldest);
      this.#count("oldest");
    }
    return true;
  }

  /** What is taken may already be at the upstream: dropping it would free nothing but the knowledge of it. */
  #oldestWaiting(): Slot | undefined {
    for (let place = Math.max(this.#head, this.#next); place < this.#slots.length; place += 1) {
      const slot = this.#slots[place];
      if (slot?.state === "waiting") return slot;
    }
    return undefined;
  }

  #place(sequence: number): number {
    const first = this.#slots[this.#head];
    return first === undefined ? -1 : this.#head + sequence - first.sequence;
  }

  #find(sequence: number): Slot | undefined {
    const place = this.#place(sequence);
    return place < this.#head ? undefined : this.#slots[place];
  }

  #finish(slot: Slot): void {
    slot.state = "done";
    this.#messages -= 1;
    this.#bytes -= slot.size;
    while (this.#slots[this.#head]?.state === "done") this.#head += 1;
    this.#next = Math.max(this.#next, this.#head);
    this.#shrink();
  }

  /** Half of the array is free: copy the rest down. Amortized one move a message. */
  #shrink(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#slots.length) return;
    this.#slots = this.#slots.slice(this.#head);
    this.#next -= this.#head;
    this.#head = 0;
  }

  #count(reason: "oldest" | "newest" | "refused"): void {
    this.#options.journal({
      level: "warn",
      event: "outbox_dropped",
      at: this.#options.id,
      reason,
      message: `the outbox is full: ${reason === "refused" ? "a message was refused" : `the ${reason} message was dropped`}; the upstream is down or too slow`,
    });
  }
}
