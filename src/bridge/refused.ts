import { appendFile, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "../core/errors.js";
import type { Parcel } from "./session/parcel.js";

/** Bytes of refused messages that are kept. */
const MOST = 16 * 1024 * 1024;

/**
 * Keeps what the upstream will never take, so that somebody can look at it: one JSON object a line with `time` (ISO 8601), `why`,
 * `topic`, `qos`, `retain` and `payload` (base64). Nothing is ever read back from it.
 */
export class RefusedFile {
  readonly #path: string;
  readonly #now: () => number;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
  }

  /** Resolves with where it is kept, or with why it is not. Never rejects. */
  keep({ entries }: Parcel, why: string): Promise<string> {
    const time = new Date(this.#now()).toISOString();
    const lines = entries.map(({ message: { topic, qos, retain, payload } }) =>
      JSON.stringify({ time, why, topic, qos, retain, payload: Buffer.from(payload).toString("base64") }),
    );
    const kept = this.#last.then(() => this.#append(`${lines.join("\n")}\n`));
    this.#last = kept.then(() => {});
    return kept;
  }

  async #append(text: string): Promise<string> {
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      const size = await stat(this.#path).then(
        (file) => file.size,
        () => 0,
      );
      if (size + text.length > MOST) return `not kept: ${this.#path} is full`;
      await appendFile(this.#path, text, { mode: 0o600 });
      return `kept in ${this.#path}`;
    } catch (error) {
      return `not kept: ${messageOf(error)}`;
    }
  }
}
