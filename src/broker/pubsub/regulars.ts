import type { Identity } from "../access/access.js";
import { Rate } from "../connection/rate.js";
import type { Core } from "../core.js";

/** Who comes again and again without a session, and what is remembered of it. */
export interface Regular {
  readonly identity: Identity;
  readonly rate: Rate | undefined;
}

const MOST = 4_096;

/**
 * Clients that have no session are let in anew with each request. Who was here lately keeps its identity, by which its access
 * rules are known, and its rate. Bounded: who was not here for the longest time makes room.
 */
export class Regulars {
  readonly #core: Pick<Core, "policyOf" | "now">;
  readonly #known = new Map<string, Regular>();

  constructor(core: Pick<Core, "policyOf" | "now">) {
    this.#core = core;
  }

  recall(identity: Identity): Regular {
    const key = keyOf(identity);
    const regular = this.#known.get(key) ?? this.#meet(identity);
    this.#known.delete(key);
    this.#known.set(key, regular);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(oldest);
    }
    return regular;
  }

  get size(): number {
    return this.#known.size;
  }

  #meet(identity: Identity): Regular {
    const perSecond = this.#core.policyOf(identity)?.rate;
    return { identity, rate: perSecond === undefined ? undefined : new Rate(perSecond, this.#core.now()) };
  }
}

/** Of all that what it may depends on: two tokens of one user may allow different things. */
function keyOf({ user, clientId, listener, until, grounds }: Identity): string {
  return JSON.stringify([user ?? null, clientId, listener, until ?? null, grounds ?? null]);
}
