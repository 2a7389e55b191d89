import { WeirError } from "../../src/core/errors.js";
import type { DecodedValue } from "../../src/profile/index.js";
import type { Heard } from "./receive.js";

/** What is sent, the message that answers it if one does, and how long that may take after the last byte was sent, in ms. */
export interface Request {
  readonly request: Uint8Array;
  readonly answer?: string;
  readonly timeout: number;
}

/** A wire on which one thing is asked at a time: polls and commands stand in one queue. */
export interface Line {
  /**
   * Sends a request in its turn and gives the values of its answer (none, where no answer is named).
   * `remaining`: ms left to whoever asks; when nothing is left at its turn, nothing is sent.
   * Rejects with DEVICE_NO_ANSWER, COMMAND_EXPIRED, COMMAND_QUEUE_FULL, PAYLOAD_INVALID or what the port failed with.
   */
  ask(request: Request, remaining: () => number): Promise<readonly DecodedValue[]>;
  /** Tells of a message that came in. */
  heard(what: Heard): void;
  /** Ends what is under way and all that waits with this error. */
  close(why: WeirError): void;
}

/** The gateway sends a device one command at a time and a poll waits for its last run: this is never reached by them. */
const MAX_QUEUE = 64;

export function createLine(device: string, write: (bytes: Uint8Array) => Promise<void>): Line {
  let tail: Promise<unknown> = Promise.resolve();
  let queued = 0;
  let closed: WeirError | undefined;
  let expected: { readonly message: string; readonly settle: (heard: Heard | WeirError) => void } | undefined;

  async function exchange(request: Request, remaining: () => number): Promise<readonly DecodedValue[]> {
    if (closed !== undefined) throw closed;
    if (remaining() <= 0) throw new WeirError("COMMAND_EXPIRED", `the line to ${device} was busy until too late`);
    const { answer } = request;
    if (answer === undefined) {
      await write(request.request);
      return [];
    }
    // Listening begins before the first byte goes out: a fast device may answer before the system says that all is sent.
    const { heard, startTimeout, end } = expect(answer);
    try {
      await write(request.request);
      startTimeout(Math.max(0, Math.min(request.timeout, remaining())));
      const what = await heard;
      if (what instanceof WeirError) throw what;
      if (what.kind === "bad") {
        throw new WeirError(
          "PAYLOAD_INVALID",
          `${device} answered with a ${answer} that could not be decoded: ${what.reason}`,
        );
      }
      return what.values;
    } finally {
      end();
    }
  }

  function expect(message: string) {
    let timeout: NodeJS.Timeout | undefined;
    const heard = new Promise<Heard | WeirError>((settle) => {
      expected = { message, settle };
    });
    const startTimeout = (ms: number) => {
      const none = new WeirError("DEVICE_NO_ANSWER", `${device} sent no ${message} within ${Math.round(ms)} ms`);
      timeout = setTimeout(() => expected?.settle(none), ms);
    };
    const end = () => {
      clearTimeout(timeout);
      expected = undefined;
    };
    return { heard, startTimeout, end };
  }

  return {
    ask: (request, remaining) => {
      if (closed !== undefined) return Promise.reject(closed);
      if (queued >= MAX_QUEUE) {
        return Promise.reject(new WeirError("COMMAND_QUEUE_FULL", `${queued} requests wait for the line to ${device}`));
      }
      queued += 1;
      const result = tail
        .then(() => exchange(request, remaining))
        .finally(() => {
          queued -= 1;
        });
      tail = result.catch(() => {
        // Whoever asked hears of it; the next one has its turn all the same.
      });
      return result;
    },
    heard: (what) => {
      if (expected?.message === what.message) expected.settle(what);
    },
    close: (why) => {
      closed = why;
      expected?.settle(why);
    },
  };
}
