import { WeirError } from "../../src/core/errors.js";
import { listOr } from "../../src/core/near.js";
import type { Heard } from "./receive.js";

/** What is sent, and what answers it. */
export interface Request {
  readonly request: Uint8Array;
  /** The messages of which any one answers it; none: nothing is waited for. */
  readonly answers: readonly string[];
  /** How long the answer may take after the last byte was sent, in ms. */
  readonly timeout: number;
}

/** The message that answered, and what it said. */
export type Answer = Extract<Heard, { kind: "values" }>;

/** A wire on which one thing is asked at a time: polls and commands stand in one queue. */
export interface Line {
  /**
   * Sends a request in its turn and gives its answer (undefined where none is named).
   * `remaining`: ms left to whoever asks; when nothing is left at its turn, nothing is sent.
   * Rejects with DEVICE_NO_ANSWER, COMMAND_EXPIRED, COMMAND_QUEUE_FULL, PAYLOAD_INVALID or what the port failed with.
   */
  ask(request: Request, remaining: () => number): Promise<Answer | undefined>;
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
  let expected:
    | { readonly messages: readonly string[]; readonly settle: (heard: Heard | WeirError) => void }
    | undefined;

  async function exchange(request: Request, remaining: () => number): Promise<Answer | undefined> {
    if (closed !== undefined) throw closed;
    if (remaining() <= 0) throw new WeirError("COMMAND_EXPIRED", `the line to ${device} was busy until too late`);
    if (request.answers.length === 0) {
      await write(request.request);
      return undefined;
    }
    // Listening begins before the first byte goes out: a fast device may answer before the system says that all is sent.
    const { heard, startTimeout, end } = expect(request.answers);
    try {
      await write(request.request);
      startTimeout(Math.max(0, Math.min(request.timeout, remaining())));
      const what = await heard;
      if (what instanceof WeirError) throw what;
      if (what.kind === "bad") {
        throw new WeirError(
          "PAYLOAD_INVALID",
          `${device} answered with a ${what.message} that could not be decoded: ${what.reason}`,
        );
      }
      return what;
    } finally {
      end();
    }
  }

  function expect(messages: readonly string[]) {
    let timeout: NodeJS.Timeout | undefined;
    const heard = new Promise<Heard | WeirError>((settle) => {
      expected = { messages, settle };
    });
    const startTimeout = (ms: number) => {
      const message = `${device} sent no ${listOr(messages)} within ${Math.round(ms)} ms`;
      timeout = setTimeout(() => expected?.settle(new WeirError("DEVICE_NO_ANSWER", message)), ms);
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
      if (expected?.messages.includes(what.message)) expected.settle(what);
    },
    close: (why) => {
      closed = why;
      expected?.settle(why);
    },
  };
}
