import type { Core } from "../core.js";
import type { Grant } from "../routes/subscriber.js";
import type { Link } from "../session/delivery.js";
import type { Session } from "../session/session.js";

/** Retained messages that are replayed before others get their turn. */
const SLICE = 256;

/** Of the retained messages for a new subscription. */
interface Replay {
  readonly grant: Grant;
  readonly walk: ReturnType<Core["retained"]["walk"]>;
}

/** Retained messages for the new subscriptions of one client, in slices, for a filter may take a hundred thousand; and as it takes them. */
export class Replays {
  readonly #core: Pick<Core, "retained" | "pressure">;
  readonly #session: Session;
  readonly #link: Link;
  /** What is still to be replayed, in order of subscription. One a filter: who subscribes to it again has it from the beginning. */
  readonly #replays = new Map<string, Replay>();
  #replaying = false;

  constructor(core: Pick<Core, "retained" | "pressure">, session: Session, link: Link) {
    this.#core = core;
    this.#session = session;
    this.#link = link;
  }

  /** They go out with `resume`. */
  add(filter: string, grant: Grant): void {
    this.#replays.delete(filter);
    this.#replays.set(filter, { grant, walk: this.#core.retained.walk(filter) });
  }

  forget(filter: string): void {
    this.#replays.delete(filter);
  }

  /** The client took something: what is left may go on. */
  resume(): void {
    if (this.#replays.size > 0 && !this.#replaying) this.#replay();
  }

  #replay(): void {
    const session = this.#session;
    this.#replaying = false;
    const [next] = this.#replays;
    if (next === undefined || session.link !== this.#link) return;
    const [filter, { walk, grant }] = next;
    let more = true;
    let left = SLICE;
    while (more && left > 0 && this.#link.ready && !session.outgoing.pressed) {
      more = walk.advance(1, (publication) => {
        if (session.mayReceive(publication.topic)) session.replay(publication, grant);
      });
      left--;
    }
    // Nobody is made to wait for what a client asked for itself.
    this.#core.pressure.forget();
    if (!more) this.#replays.delete(filter);
    // Where the client takes no more for now, `resume` says when it does.
    if (this.#replays.size === 0 || (more && left > 0)) return;
    this.#replaying = true;
    setImmediate(() => this.#replay());
  }
}
