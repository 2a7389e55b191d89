import { setTimeout as wait } from "node:timers/promises";
import type { Journal } from "../core/journal.js";
import type { Scalar } from "../core/reading.js";
import type { Simulation } from "../profile/index.js";
import type { ByteLine } from "./line.js";
import { gatherRequests } from "./requests.js";

/** What a simulated device said. */
export interface Said {
  /** ms since the Unix epoch. */
  readonly time: number;
  readonly bytes: Uint8Array;
  /** What it measured then. */
  readonly values: ReadonlyMap<string, Scalar>;
}

export interface SerialPlay {
  /** Of a profile with a serial section. */
  readonly simulation: Simulation;
  readonly line: ByteLine;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** Ends the play. */
  readonly signal: AbortSignal;
  readonly journal: Journal;
  /** For the journal: the device's id. */
  readonly at: string;
  readonly said?: (said: Said) => void;
}

/** Answers that wait for a line that takes no bytes. Beyond them a device has no memory for more. */
const MAX_ANSWERS = 4;

/**
 * Plays the device at the end of a serial line: sends what it sends unasked, and answers polls and commands. A line that is
 * not read makes it wait. Leaves the line open. Resolves when `signal` is aborted; rejects with what the line failed with.
 */
export async function playSerial(options: SerialPlay): Promise<void> {
  const { simulation: device, line, now, signal, journal, at } = options;
  if (signal.aborted) return;

  const say = async (bytes: Uint8Array, time: number): Promise<void> => {
    await line.write(bytes);
    options.said?.({ time, bytes, values: device.values(time) });
  };

  const over = new AbortController();
  let fail: (why: unknown) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    fail = reject;
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  let answering = 0;
  const requests = gatherRequests({
    answer: (request) => {
      try {
        return device.answer(request, now());
      } catch (error) {
        fail(error);
        return undefined;
      }
    },
    say: (answer) => {
      // An empty answer: understood, and nothing to say.
      if (answer.length === 0 || answering >= MAX_ANSWERS) return;
      answering += 1;
      say(answer, now())
        .catch(fail)
        .finally(() => {
          answering -= 1;
        });
    },
    ignored: (count) => {
      const message = `the simulated device had no answer to ${count} bytes that it was sent`;
      journal({ level: "debug", event: "simulator_unanswered", at, message, count });
    },
  });
  line.onData(requests.push);
  try {
    await Promise.race([ended, speak(device, say, now, AbortSignal.any([signal, over.signal]))]);
  } finally {
    over.abort();
    requests.close();
    line.onData(() => {});
  }
}

/** Sends frames at fixed times until the signal is aborted. A frame that takes longer than its turn makes it skip turns. */
async function speak(
  device: Simulation,
  say: (bytes: Uint8Array, time: number) => Promise<void>,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  const start = performance.now();
  while (!signal.aborted) {
    const time = now();
    for (const frame of device.frames(time)) await say(frame, time);
    const turns = Math.floor((performance.now() - start) / device.every) + 1;
    const pause = start + turns * device.every - performance.now();
    // The signal wakes it with an error, which says nothing that the signal does not.
    await wait(pause, undefined, { signal }).catch(() => {});
  }
}
