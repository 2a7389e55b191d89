import type { Session } from "../session.js";

interface Kept {
  readonly session: Session;
  readonly until: number;
}

/** Sessions to go on with. At most so many and for so long (RFC 5246 F.1.4: a day); the oldest go first. What goes is overwritten. */
export class SessionCache {
  readonly #entries: number;
  readonly #age: number;
  /** In the order in which they came, and so of their end. */
  readonly #kept = new Map<string, Kept>();

  /** `age` in ms. */
  constructor(entries: number, age: number) {
    this.#entries = entries;
    this.#age = age;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The session is the cache's from now on. */
  keep(key: string, session: Session, now: number): void {
    this.drop(key);
    this.#kept.set(key, { session, until: now + this.#age });
    for (const [oldest, { until }] of this.#kept) {
      if (this.#kept.size <= this.#entries && until > now) break;
      this.drop(oldest);
    }
  }

  find(key: string, now: number): Session | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.until > now) return kept.session;
    this.drop(key);
    return undefined;
  }

  drop(key: string): void {
    this.#kept.get(key)?.session.master.fill(0);
    this.#kept.delete(key);
  }

  clear(): void {
    for (const key of this.#kept.keys()) this.drop(key);
  }
}
