import type { Entry, Outbox } from "../../outbox/outbox.js";
import { type BatchFormat, type Compression, encodeBatch } from "../../protocols/batch/index.js";
import type { Feed } from "./feed.js";
import type { Parcel } from "./parcel.js";
import type { Range, SessionStore } from "./session.js";

export interface BatchOptions {
  readonly format: BatchFormat;
  readonly compression: Compression;
  /** Most messages in one. */
  readonly messages: number;
  /** Most bytes of topics and payloads in one, before compression. */
  readonly size: number;
  /** ms: how long the first of a batch waits for others at most. */
  readonly linger: number;
  readonly topic: string;
}

export interface BatchParts {
  readonly outbox: Outbox;
  readonly store: SessionStore;
  readonly idOf: ((sequence: number) => string) | undefined;
  /** ms from any fixed start. */
  readonly ticks: () => number;
}

/**
 * Messages of lane 0 in batches. A batch goes under the packet id of its first sequence: so that after a crash it is the same
 * messages that go under that id, which the upstream may know, what belongs together is noted before it is sent.
 */
export function batchFeed(options: BatchOptions, { outbox, store, idOf, ticks }: BatchParts): Feed {
  /** Batches of a life before this one that were not through: they are made up again as they were. */
  const before = [...store.recovered.parcels];
  let gathered: Entry[] = [];
  let bytes = 0;
  /** When the first of them was gathered. */
  let begun = 0;
  let ahead: Entry | undefined;
  let ready: Parcel | undefined;
  let noting = false;
  let timer: NodeJS.Timeout | undefined;
  let hurried = false;
  let wake = (): void => {};

  const take = (): Entry | undefined => {
    const entry = ahead ?? outbox.take();
    ahead = undefined;
    return entry;
  };

  /** Whether what is being gathered is one of those before, whose extent is fixed. */
  const isKnown = (): boolean => {
    const [first, known] = [gathered[0], before[0]];
    return first !== undefined && known !== undefined && first.sequence >= known.first && first.sequence <= known.last;
  };

  /** Whether the next one belongs to the batch that is being gathered. */
  const belongs = (entry: Entry): boolean => {
    const known = before[0];
    if (known !== undefined && isKnown()) return entry.sequence <= known.last;
    return (known === undefined || entry.sequence < known.first) && bytes + sizeOf(entry) <= options.size;
  };

  const full = (): boolean => gathered.length >= options.messages || bytes >= options.size;

  const gather = (): boolean => {
    for (let entry = take(); entry !== undefined; entry = take()) {
      while (before[0] !== undefined && before[0].last < entry.sequence && gathered.length === 0) before.shift();
      if (gathered.length > 0 && !belongs(entry)) {
        ahead = entry;
        return true;
      }
      if (gathered.length === 0) begun = ticks();
      gathered.push(entry);
      bytes += sizeOf(entry);
      if (gathered.at(-1)?.sequence === before[0]?.last || (full() && !isKnown())) return true;
    }
    const first = gathered[0];
    if (first === undefined) return false;
    // One of before may lack its end, if that expired meanwhile: then nothing is left that could complete it.
    if (isKnown()) return gathered.length === outbox.depth.messages;
    return hurried || ticks() - begun >= options.linger;
  };

  const close = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const entries = gathered;
    const known = isKnown() ? before.shift() : undefined;
    gathered = [];
    bytes = 0;
    const parcel = parcelOf(entries, known, options, idOf);
    if (parcel === undefined) return;
    if (known !== undefined || parcel.message.qos === 0) {
      ready = parcel;
      return;
    }
    noting = true;
    store.record([{ kind: "parcel", first: parcel.first, last: parcel.last }]).then(
      () => {
        noting = false;
        ready = parcel;
        wake();
      },
      // The store closes: nothing is sent any more.
      () => {},
    );
  };

  return {
    lane: 0,
    outbox,
    peek: () => {
      if (ready !== undefined || noting) return ready;
      if (gather()) close();
      // One of before waits for what is on its way to end, which wakes as well.
      else if (gathered[0] !== undefined && timer === undefined && !isKnown())
        timer = setTimeout(
          () => {
            timer = undefined;
            wake();
          },
          Math.max(1, begun + options.linger - ticks()),
        );
      return ready;
    },
    shift: () => {
      ready = undefined;
    },
    hurry: () => {
      hurried = true;
      clearTimeout(timer);
      timer = undefined;
      wake();
    },
    onReady: (listener) => {
      wake = listener;
      outbox.onWaiting(listener);
    },
  };
}

/** `known`: its extent in a life before this one, which decides its packet id even if the first of it has expired. */
function parcelOf(
  entries: readonly Entry[],
  known: Range | undefined,
  options: BatchOptions,
  idOf: BatchParts["idOf"],
): Parcel | undefined {
  const first = known?.first ?? entries[0]?.sequence;
  const last = known?.last ?? entries.at(-1)?.sequence;
  if (first === undefined || last === undefined) return undefined;
  const { format, compression, topic } = options;
  const messages = entries.map(({ message }) => message);
  const payload = encodeBatch(messages, {
    format,
    compression,
    ...(idOf === undefined ? {} : { id: idOf(first) }),
  });
  const qos = messages.reduce<0 | 1 | 2>((most, message) => (message.qos > most ? message.qos : most), 0);
  const message = { topic, payload, qos, retain: false };
  return { lane: 0, entries, first, last, message, expires: undefined };
}

function sizeOf({ message: { topic, payload } }: Entry): number {
  return Buffer.byteLength(topic) + payload.length;
}
