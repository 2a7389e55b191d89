import type { Message } from "./core/message.js";

export interface SelfReport {
  readonly topic: string;
  /** Made anew each time; published where it is another one than the last. */
  readonly content: () => unknown;
  readonly publish: (message: Message) => Promise<void>;
  /** ms */
  readonly every: number;
}

export interface Reporter {
  /** Looks for a change now. */
  tell(): void;
  /** Says it a last time and ends. */
  end(): Promise<void>;
}

/**
 * Publishes something about the gateway itself, retained, for everyone who can subscribe: the log alone is not looked at. Once at
 * the beginning, then whenever it changed, at most once in `every` but for what is told by hand.
 */
export function reportSelf({ topic, content, publish, every }: SelfReport): Reporter {
  let last = "";
  const tell = async (): Promise<void> => {
    const payload = JSON.stringify(content());
    if (payload === last) return;
    last = payload;
    await publish({ topic, payload: Buffer.from(payload), qos: 0, retain: true });
  };
  // What cannot be published now is another one the next time.
  const quietly = (): void => void tell().catch(() => {});
  const timer = setInterval(quietly, every);
  quietly();
  return {
    tell: quietly,
    end: async () => {
      clearInterval(timer);
      await tell();
    },
  };
}
