import type { Message } from "../core/message.js";

/** A message on its way upstream. Sequences rise by one from 1 and are never used again. */
export interface Entry {
  readonly sequence: number;
  readonly message: Message;
  /** ms since the Unix epoch. */
  readonly appended: number;
  /**
   * When it is worth nothing any more, ms since the Unix epoch; undefined where its rule did not say. What is left of that is never
   * more than `expires - appended`, also after the clock was set back.
   */
  readonly expires: number | undefined;
}

/** What a rule asks for one message. What is left out is as the outbox was opened. */
export interface Terms {
  readonly whenFull?: "drop-oldest" | "drop-newest" | "refuse";
  /** `commit` resolves after the sync for QoS 1 and 2, `interval` and `none` at once. Has no meaning in memory. */
  readonly durability?: "commit" | "interval" | "none";
  /** ms after which the message is worth nothing any more and is dropped unsent. */
  readonly expiry?: number;
  /** Names the rule in the counters of what is dropped. */
  readonly rule?: string;
}

/**
 * The queue between the broker and one upstream. One bridge takes from it.
 *
 * An entry is waiting, taken or acknowledged. `take` gives the oldest that waits, once; `acknowledge` frees it once the upstream
 * has it. Until then it is the bridge that sends it again when the link was lost; a new process is given it again.
 */
export interface Outbox {
  /**
   * Throws what `append` would reject with now: whoever has several outboxes asks all of them before the first takes the
   * message, which would come again each time that another one refuses it.
   */
  check(message: Message, terms?: Terms): void;
  /**
   * Resolves when the message is as safe as this outbox makes it. Rejects with OUTBOX_FULL where the policy is to refuse, with
   * OUTBOX_UNAVAILABLE while its disk cannot be written, with CLOSED once it closes.
   */
  append(message: Message, terms?: Terms): Promise<void>;
  /** What expired, or is older than the outbox keeps messages, is dropped instead of given. */
  take(): Entry | undefined;
  acknowledge(sequence: number): void;
  /** Called whenever there may be something to take that was not there before, and when `settled` moved. It must not throw. */
  onWaiting(listener: () => void): void;
  /**
   * Up to this sequence all is acknowledged or dropped, and a process that is killed now would know it after its restart: whoever
   * sends nothing beyond `settled + n` sends at most n messages twice. It follows an acknowledgement by some ms, or sooner after
   * `settle`. In memory, where nothing is there after a restart, it is what is acknowledged or dropped now.
   */
  readonly settled: number;
  /** Asks that `settled` follow at once what was acknowledged: somebody waits for it. */
  settle(): void;
  readonly depth: Depth;
  /**
   * 8 hex digits, made by chance when the outbox was first made. With its sequence it names a message for ever, except where a power
   * cut may take back what was taken already: what was not appended under `commit`, and QoS 0.
   */
  readonly epoch: string;
  /** Whether what waits is still there after the process ended. */
  readonly survives: boolean;
}

export interface Depth {
  /** Waiting and taken. */
  readonly messages: number;
  /** Topic and payload bytes of those. */
  readonly bytes: number;
  /** ms since the Unix epoch when the oldest was appended; undefined when empty. */
  readonly oldest: number | undefined;
}
