/** Gathers what comes over a line into requests. */
export interface Requests {
  push(bytes: Uint8Array): void;
  close(): void;
}

export interface RequestOptions {
  /** What the device answers to these bytes, undefined if they are no request. Must not throw. */
  readonly answer: (request: Uint8Array) => Uint8Array | undefined;
  readonly say: (answer: Uint8Array) => void;
  /** So many bytes were no request, had no answer, or came after the bound. */
  readonly ignored: (count: number) => void;
}

/** A request ends when nothing came for so long, in ms: USB adapters hand their bytes over every 16 ms. */
const SILENCE_MS = 50;
/** The longest that is gathered, in bytes: no device here understands more. */
const MAX_BYTES = 256;

/**
 * Requests have no common end, so one ends with silence, as it does for most devices. Bounded in memory by 256 bytes and in
 * time by as many calls of `answer`.
 */
export function gatherRequests(options: RequestOptions): Requests {
  let gathered = Buffer.alloc(0);
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;

  const end = (): void => {
    const { answers, left } = understand(gathered, options.answer);
    const ignored = left + dropped;
    gathered = Buffer.alloc(0);
    dropped = 0;
    for (const answer of answers) options.say(answer);
    if (ignored > 0) options.ignored(ignored);
  };

  return {
    push: (bytes) => {
      const taken = bytes.subarray(0, MAX_BYTES - gathered.length);
      gathered = Buffer.concat([gathered, taken]);
      dropped += bytes.length - taken.length;
      clearTimeout(timer);
      timer = setTimeout(end, SILENCE_MS);
    },
    close: () => clearTimeout(timer),
  };
}

/** The answers to one request or to several that came without a pause, and how many bytes were none. */
export function understand(
  bytes: Uint8Array,
  answer: (request: Uint8Array) => Uint8Array | undefined,
): { readonly answers: Uint8Array[]; readonly left: number } {
  const whole = answer(bytes);
  if (whole !== undefined) return { answers: [whole], left: 0 };
  const answers: Uint8Array[] = [];
  let start = 0;
  for (let end = 1; end <= bytes.length; end++) {
    const found = answer(bytes.subarray(start, end));
    if (found === undefined) continue;
    answers.push(found);
    start = end;
  }
  return { answers, left: bytes.length - start };
}
