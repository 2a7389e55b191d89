import { WeirError } from "../../src/core/errors.js";
import type { Scalar } from "../../src/core/reading.js";
import type { DecodedValue, SerialCodec } from "../../src/profile/index.js";
import type { Line } from "./line.js";

/** Answers read commands of a device that has no request for the one resource: from its polls, or from what it says unasked. */
export interface Reader {
  /**
   * Rejects with DEVICE_NO_ANSWER when no value came in the ms that remain, COMMAND_FAILED when what answered does not carry
   * it, PAYLOAD_INVALID when the value is bad.
   */
  read(resource: string, remaining: () => number): Promise<Scalar>;
  /** Tells of values that came in. */
  heard(values: readonly DecodedValue[]): void;
  close(why: WeirError): void;
}

/** setTimeout takes no more, in ms (24 days). */
const LONGEST_TIMER = 2 ** 31 - 1;

export function createReader(device: string, codec: SerialCodec, line: Line): Reader {
  const waiting = new Set<{ readonly resource: string; readonly settle: (value: DecodedValue | WeirError) => void }>();
  let closed: WeirError | undefined;

  async function read(resource: string, remaining: () => number): Promise<Scalar> {
    let failed: WeirError | undefined;
    for (const poll of codec.polls) {
      if (!poll.resources.has(resource)) continue;
      try {
        const answer = await line.ask(poll, remaining);
        if (answer === undefined) continue;
        const value = answer.values.find((candidate) => candidate.resource === resource);
        if (value !== undefined) return good(value);
        failed = new WeirError(
          "COMMAND_FAILED",
          `${device} answered with ${answer.message}, without a ${resource} in it`,
        );
      } catch (error) {
        if (!(error instanceof WeirError) || error.code !== "DEVICE_NO_ANSWER") throw error;
        failed = error;
      }
    }
    // It has told what it has to tell: to wait for a value that comes by itself would only put off the same end.
    if (failed !== undefined) throw failed;
    return good(await next(resource, remaining()));
  }

  async function next(resource: string, limit: number): Promise<DecodedValue> {
    if (closed !== undefined) throw closed;
    let timeout: NodeJS.Timeout | undefined;
    const what = await new Promise<DecodedValue | WeirError>((settle) => {
      const own = { resource, settle };
      waiting.add(own);
      const message = `${device} sent no ${resource} within ${Math.round(limit)} ms`;
      const giveUp = () => {
        waiting.delete(own);
        settle(new WeirError("DEVICE_NO_ANSWER", message));
      };
      timeout = setTimeout(giveUp, Math.min(LONGEST_TIMER, Math.max(0, limit)));
    });
    clearTimeout(timeout);
    if (what instanceof WeirError) throw what;
    return what;
  }

  function good(value: DecodedValue): Scalar {
    if (value.quality !== "bad") return value.value;
    throw new WeirError("PAYLOAD_INVALID", `${device} has no valid ${value.resource} now`);
  }

  return {
    read,
    heard: (values) => {
      for (const value of values) {
        for (const waiter of waiting) {
          if (waiter.resource !== value.resource) continue;
          waiting.delete(waiter);
          waiter.settle(value);
        }
      }
    },
    close: (why) => {
      closed = why;
      for (const waiter of waiting) waiter.settle(why);
      waiting.clear();
    },
  };
}
