import { messageOf } from "../../core/errors.js";
import { Connection, type ConnectionOptions } from "../connection/connection.js";
import { type CredentialOptions, readCredentials } from "../connection/credentials.js";
import { probeOf } from "./trial.js";

export interface WatchOptions {
  /** Those of the connection, and its servers' files. */
  readonly credentials: CredentialOptions;
  readonly fingerprint: string;
  /** How to reach the servers that are preferred to the one in use; the first is preferred most. */
  readonly ahead: readonly ConnectionOptions[];
  /** How often those are looked at, in ms. */
  readonly failback: number;
  /** Certificate or token are others: it is time to connect with them. */
  readonly renewed: () => Promise<void>;
  /** It was well twice in a row. */
  readonly better: (url: string) => Promise<void>;
  /** A renewal that is not whole, or went wrong. */
  readonly unreadable: (why: string) => void;
}

/** How often files with certificates and tokens are looked at for a change, in ms. */
const CREDENTIALS_EVERY = 10_000;

/** Looks for reasons to leave a connection for a better one, for as long as it lasts. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #over = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  /** How often in a row each server was well. */
  readonly #well = new Map<string, number>();
  #work: Promise<void> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { ca, cert, key } = options.credentials.tls ?? {};
    if ([ca, cert, key, options.credentials.passwordFile].some((path) => path !== undefined))
      this.#every(CREDENTIALS_EVERY, () => this.#lookAtFiles());
    if (options.ahead.length > 0) this.#every(options.failback, () => this.#lookAhead());
  }

  /** Resolves once nothing of it is left. */
  async stop(): Promise<void> {
    this.#over.abort(new Error("the connection is over"));
    for (const timer of this.#timers) clearInterval(timer);
    await this.#work;
  }

  /** One look at a time. */
  #every(ms: number, look: () => Promise<void>): void {
    const timer = setInterval(() => {
      this.#work ??= look().finally(() => {
        this.#work = undefined;
      });
    }, ms);
    this.#timers.push(timer);
  }

  /** Certificates and tokens that were renewed are used before the old ones run out. */
  async #lookAtFiles(): Promise<void> {
    const { credentials, fingerprint, renewed, unreadable } = this.#options;
    try {
      const now = await readCredentials(credentials);
      if (now.fingerprint !== fingerprint && !this.#over.signal.aborted) await renewed();
    } catch (error) {
      unreadable(messageOf(error));
    }
  }

  async #lookAhead(): Promise<void> {
    for (const options of this.#options.ahead) {
      const reached = await Connection.open(probeOf(options), this.#over.signal).then(
        (connection) => connection.end().then(() => true),
        () => false,
      );
      if (this.#over.signal.aborted) return;
      const times = reached ? (this.#well.get(options.url) ?? 0) + 1 : 0;
      this.#well.set(options.url, times);
      if (times >= 2) return this.#options.better(options.url);
    }
  }
}
