import type { Message } from "../../core/message.js";
import type { Entry, Outbox } from "../../outbox/outbox.js";
import type { Parcel } from "./parcel.js";
import type { Lane } from "./session.js";

/** Where parcels come from: one lane's outbox, each message by itself or in batches. */
export interface Feed {
  readonly lane: Lane;
  readonly outbox: Outbox;
  /** The next one, which stays the next one until it is shifted; undefined where none is ready. */
  peek(): Parcel | undefined;
  shift(): void;
  /** Nothing more will come: what is gathered is not to wait for it. */
  hurry(): void;
  /** Called when there may be one that was not there before. */
  onReady(listener: () => void): void;
}

/** What becomes of a message of the outbox before it goes up: its id is put into it. */
export type Stamp = (message: Message, lane: Lane, sequence: number) => Message;

/** Each message by itself. */
export function singleFeed(outbox: Outbox, lane: Lane, stamp: Stamp): Feed {
  let next: Parcel | undefined;
  const parcelOf = (entry: Entry): Parcel => {
    const { sequence, message, expires } = entry;
    return {
      lane,
      entries: [entry],
      first: sequence,
      last: sequence,
      message: stamp(message, lane, sequence),
      expires,
    };
  };
  return {
    lane,
    outbox,
    peek: () => {
      if (next === undefined) {
        const entry = outbox.take();
        if (entry !== undefined) next = parcelOf(entry);
      }
      return next;
    },
    shift: () => {
      next = undefined;
    },
    hurry: () => {},
    onReady: (listener) => outbox.onWaiting(listener),
  };
}
