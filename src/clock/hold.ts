/**
 * Holds readings while the clock is not set, in front of the router. What holds:
 *
 * - Every batch goes on once, whole, and those of one link in the order in which they came; none is dropped.
 * - It goes on when the clock is set, when it was waited long enough, when there is no more room (the oldest first), and when
 *   the gateway stops. Its provisional times become those of the wall at that moment; unless the clock is set they are marked
 *   `uncertain`.
 * - Where a link tells its devices what became of their readings, the sink settles when the batch has gone on: held in
 *   memory only, it must not be acknowledged. Where it tells nobody (a serial line), the sink resolves at once while there is
 *   room: to wait would stop the line, and cost the bytes that come meanwhile.
 * - Memory: as much as `maxReadings` and `maxBytes` say. Beyond that the sink resolves once what made room has gone on.
 */
import { setImmediate as turn } from "node:timers/promises";
import { messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Reading, ReadingSink } from "../core/reading.js";
import type { Clock } from "./clock.js";
import { dated, isProvisional } from "./provisional.js";

export interface HoldOptions {
  /** The gateway's id, for the journal. */
  readonly id: string;
  readonly clock: Pick<Clock, "holding" | "wasSet" | "trusted" | "offset" | "onRelease">;
  readonly next: ReadingSink;
  readonly journal: Journal;
  /** 20,000 if left out: 80 readings a second for the 4 minutes that it is usually waited at most. */
  readonly maxReadings?: number;
  /** 16 MiB if left out. */
  readonly maxBytes?: number;
}

export interface Hold {
  /** The sink of one link. */
  sink(acknowledges: boolean): ReadingSink;
  /** Readings that are held. */
  readonly held: number;
  /** Passes on what is held, and holds nothing any more. Resolves when that was taken or refused. Never rejects. */
  stop(): Promise<void>;
}

interface Lane {
  readonly acknowledges: boolean;
  /** The last batch that goes on, one after the other. */
  tail: Promise<void>;
  /** Batches that have not gone on yet though nothing holds them any more. */
  leaving: number;
}

interface Held {
  readonly readings: readonly Reading[];
  readonly bytes: number;
  /** Settles when it has gone on. */
  readonly gone: Promise<void>;
  readonly go: () => void;
}

/** What a reading takes beside its texts and bytes, in bytes: its object, and its share of a batch and a promise. */
const OVERHEAD = 200;

export function createHold({ id, clock, next, journal, maxReadings = 20_000, maxBytes = 2 ** 24 }: HoldOptions): Hold {
  /** The oldest first. */
  const held = new Set<Held>();
  const lanes: Lane[] = [];
  let count = 0;
  let bytes = 0;
  let stopped = false;

  /** By the clock on the wall. The same array where nothing is provisional. */
  function date(batch: readonly Reading[]): readonly Reading[] {
    const provisional = batch.reduce((sum, { time }) => sum + (isProvisional(time) ? 1 : 0), 0);
    if (provisional === 0) return batch;
    const isSet = clock.trusted();
    const offset = clock.offset();
    if (!isSet) {
      const message = `${provisional} readings went on before the clock was set, marked uncertain`;
      journal({ level: "debug", event: "clock_uncertain", at: id, message, count: provisional });
    }
    return batch.map((reading) => dated(reading, offset, isSet));
  }

  async function pass(batch: readonly Reading[]): Promise<void> {
    await next(date(batch));
  }

  /** As the links do it themselves: those that acknowledge pass on whatever comes, the others one batch at a time. */
  function leave(lane: Lane, batch: readonly Reading[]): Promise<void> {
    if (lane.acknowledges) return pass(batch);
    lane.leaving++;
    const gone = lane.tail.then(() => pass(batch)).finally(() => lane.leaving--);
    lane.tail = gone.catch(() => {});
    return gone;
  }

  function keep(lane: Lane, readings: readonly Reading[]): Promise<void> {
    let go = (): void => {};
    const gone = new Promise<void>((resolve, reject) => {
      go = () => void leave(lane, readings).then(resolve, reject);
    });
    const one: Held = { readings, bytes: sizeOf(readings), gone, go };
    held.add(one);
    count += readings.length;
    bytes += one.bytes;
    const room = makeRoom();
    if (lane.acknowledges) return gone;
    gone.catch((error: unknown) => dropped(readings.length, error));
    return room;
  }

  async function makeRoom(): Promise<void> {
    const surplus: Held[] = [];
    for (const one of held) {
      if (count <= maxReadings && bytes <= maxBytes) break;
      surplus.push(one);
      letGo(one);
    }
    if (surplus.length === 0) return;
    const readings = surplus.reduce((sum, one) => sum + one.readings.length, 0);
    const message = `no more than ${maxReadings} readings or ${maxBytes} bytes are held until the clock is set: the oldest go out marked uncertain`;
    journal({ level: "warn", event: "clock_hold_full", at: id, message, count: readings });
    await Promise.allSettled(surplus.map(({ gone }) => gone));
  }

  function letGo(one: Held): void {
    held.delete(one);
    count -= one.readings.length;
    bytes -= one.bytes;
    one.go();
  }

  function release(): void {
    for (const one of held) letGo(one);
  }

  /** The device was told nothing, and cannot be asked again. */
  function dropped(readings: number, error: unknown): void {
    const reason = error instanceof WeirError ? error.code.toLowerCase() : "refused";
    const message = `${readings} readings that were held until the clock is set were dropped: ${messageOf(error)}`;
    journal({ level: "warn", event: "held_dropped", at: id, message, count: readings, reason });
  }

  clock.onRelease(release);

  return {
    sink: (acknowledges) => {
      // The usual case costs nothing at all.
      if (clock.wasSet) return next;
      const lane: Lane = { acknowledges, tail: Promise.resolve(), leaving: 0 };
      lanes.push(lane);
      return (batch) => {
        if (!stopped && clock.holding()) return keep(lane, batch);
        return lane.leaving > 0 ? leave(lane, batch) : pass(batch);
      };
    },
    get held() {
      return count;
    },
    stop: async () => {
      stopped = true;
      release();
      await Promise.all(lanes.map(({ tail }) => tail));
      // Whoever waited for it answers its device in this turn of the event loop: then nothing is held back any more.
      await turn();
    },
  };
}

function sizeOf(readings: readonly Reading[]): number {
  return readings.reduce((sum, { resource, value }) => {
    const own = typeof value === "string" ? 2 * value.length : value instanceof Uint8Array ? value.byteLength : 0;
    return sum + OVERHEAD + 2 * resource.length + own;
  }, 0);
}
