import { messageOf, WeirError } from "../../src/core/errors.js";
import type { Journal } from "../../src/core/journal.js";
import type { Reading, ReadingSink } from "../../src/core/reading.js";
import type { Decoded, SerialCodec } from "../../src/profile/index.js";
import type { DiscardReason, FramerOutput } from "../../src/protocols/framing/framer.js";

/** What a frame said, for whoever waits for an answer. */
export type Heard = Exclude<Decoded, { kind: "unmatched" }>;

export interface ReceiverOptions {
  readonly device: string;
  readonly codec: SerialCodec;
  readonly sink: ReadingSink;
  readonly journal: Journal;
  /** ms since the Unix epoch: the time of a reading. */
  readonly now: () => number;
  /** ms from any fixed start, never set back: measures the gaps between bytes. */
  readonly ticks: () => number;
  readonly pause: () => void;
  readonly resume: () => void;
  /** Called for every frame that could be told, before its readings go to the sink. */
  readonly heard: (what: Heard) => void;
}

export interface Receiver {
  push(chunk: Uint8Array): void;
  /** True while the readings before are not taken: nothing more is to be asked for. */
  readonly full: boolean;
  /** The stream ended. Resolves when all readings were taken or dropped, after `limit` ms at most. */
  end(limit: number): Promise<void>;
}

/**
 * How many frames' readings may wait for the sink before the port is paused. Not one: while a durable outbox syncs its disk
 * (some ms) a framer that measures silence must still see when bytes come, and a command its answer.
 */
const MAX_WAITING = 8;

/** Bytes of a frame that are shown. */
const SHOWN = 32;

/** Text as text: most of what does not fit is a line that a person can read. */
function shown(frame: Uint8Array): string {
  const head = Buffer.from(frame.subarray(0, SHOWN));
  const isText = head.every((byte) => byte >= 0x20 && byte < 0x7f);
  return `${isText ? JSON.stringify(head.toString("latin1")) : head.toString("hex")}${frame.length > SHOWN ? "..." : ""}`;
}

const REASONS: Record<DiscardReason, string> = {
  noise: "they belong to no message",
  checksum: "the checksum is wrong",
  too_long: "no message of the profile is that long",
  malformed: "a length or an escape that cannot be",
  incomplete: "the port was closed in the middle of a message",
};

/** Turns the bytes of one device into readings, in order, no faster than the sink takes them. */
export function createReceiver(options: ReceiverOptions): Receiver {
  const { device, codec, journal, ticks } = options;
  const framer = codec.framer();
  const waiting: Reading[][] = [];
  let delivering: Promise<void> | undefined;
  let paused = false;
  let over = false;
  let silence: NodeJS.Timeout | undefined;

  function push(chunk: Uint8Array): void {
    if (over) return;
    const now = ticks();
    take(framer.push(chunk, now));
    watchSilence(now);
  }

  /** Some framers end a frame by the time in which nothing comes. */
  function watchSilence(now: number): void {
    clearTimeout(silence);
    if (framer.deadline === undefined) return;
    silence = setTimeout(
      () => {
        const later = ticks();
        take(framer.tick(later));
        watchSilence(later);
      },
      Math.max(1, Math.ceil(framer.deadline - now)),
    );
  }

  function take(outputs: readonly FramerOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "frame") decode(output.bytes);
      else discarded(output.reason, output.size);
    }
    if (waiting.length === 0) return;
    delivering ??= deliver();
    if (!paused && waiting.length >= MAX_WAITING && !over) {
      paused = true;
      options.pause();
    }
  }

  function decode(frame: Uint8Array): void {
    const decoded = codec.decode(frame);
    if (decoded.kind === "unmatched") {
      const message = `a frame of ${frame.length} bytes is none of the profile's messages: ${shown(frame)}`;
      journal({ level: "warn", event: "serial_unmatched", at: device, message });
      return;
    }
    options.heard(decoded);
    if (decoded.kind === "bad") {
      const message = `message ${decoded.message} could not be decoded: ${decoded.reason}: ${shown(frame)}`;
      journal({ level: "warn", event: "serial_undecodable", at: device, message });
      return;
    }
    const time = options.now();
    const readings = decoded.values.map(
      ({ resource, value, quality, unit }): Reading =>
        unit === undefined
          ? { device, resource, value, time, quality }
          : { device, resource, value, time, quality, unit },
    );
    if (readings.length > 0) waiting.push(readings);
  }

  function discarded(reason: DiscardReason, size: number): void {
    // Noise and a half frame are what one hears on joining a line that is talking.
    const level = reason === "noise" || reason === "incomplete" ? "info" : "warn";
    const message = `${size} bytes were discarded: ${REASONS[reason]}`;
    journal({ level, event: "serial_discarded", at: device, message, count: size, reason });
  }

  async function deliver(): Promise<void> {
    // Not in the turn of the bytes: whoever waits for an answer comes first.
    await Promise.resolve();
    for (let readings = waiting.shift(); readings !== undefined; readings = waiting.shift()) {
      try {
        await options.sink(readings);
      } catch (error) {
        dropped(readings.length, error);
      }
      if (paused && waiting.length < MAX_WAITING / 2 && !over) {
        paused = false;
        options.resume();
      }
    }
    delivering = undefined;
  }

  function dropped(count: number, error: unknown): void {
    const code = error instanceof WeirError ? error.code : undefined;
    const level = code === "OUTBOX_FULL" || code === "CLOSED" ? "warn" : "error";
    const message = `${count} readings were dropped, a serial device cannot be told to send them again: ${messageOf(error)}`;
    journal({ level, event: "serial_dropped", at: device, message, count, reason: code?.toLowerCase() ?? "refused" });
  }

  async function end(limit: number): Promise<void> {
    if (over) return;
    clearTimeout(silence);
    over = true;
    take(framer.end());
    let timeout: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      timeout = setTimeout(resolve, limit);
    });
    await Promise.race([delivering, expired]);
    clearTimeout(timeout);
    const left = waiting.splice(0).reduce((sum, readings) => sum + readings.length, 0);
    if (left > 0) dropped(left, new WeirError("CLOSED", "the port was closed while they waited to be taken"));
  }

  return {
    push,
    get full() {
      return paused;
    },
    end,
  };
}
