import { grantOf } from "./grant.js";
import type { Grant, Subscriber, SubscriptionOptions } from "./subscriber.js";

/** One of a group. */
export interface Member {
  readonly subscriber: Subscriber;
  readonly grant: Grant;
}

/** A group as a topic finds it: some of its members may not have that topic. */
export interface Share {
  /** Whose turn it is. Undefined where the group has gone meanwhile. */
  next(): Member | undefined;
}

/** A member in its place in the queue. */
interface Place extends Member {
  grant: Grant;
  before: Place | undefined;
  behind: Place | undefined;
}

/**
 * The subscribers that share what one filter takes: each message goes to one of them (MQTT 5 4.8.2), to the one that has had
 * none for longest, over all topics. Places in a ring would not do where some may not have some topics: two topics that take
 * turns could keep to the same two members for ever.
 */
export class Group {
  readonly #places = new Map<Subscriber, Place>();
  #first: Place | undefined;
  #last: Place | undefined;

  get size(): number {
    return this.#places.size;
  }

  /** True where it was not in it. No Local does not exist here (MQTT-3.8.3-4). */
  join(subscriber: Subscriber, options: SubscriptionOptions): boolean {
    const grant = grantOf(options);
    const known = this.#places.get(subscriber);
    if (known !== undefined) {
      known.grant = grant;
      return false;
    }
    const place: Place = { subscriber, grant, before: undefined, behind: undefined };
    this.#places.set(subscriber, place);
    this.#append(place);
    return true;
  }

  /** False where it was not in it. */
  leave(subscriber: Subscriber): boolean {
    const place = this.#places.get(subscriber);
    if (place === undefined) return false;
    this.#places.delete(subscriber);
    this.#remove(place);
    return true;
  }

  /** Undefined where none of them may have that topic. */
  on(topic: string): { readonly share: Share; readonly barred: number } | undefined {
    const barred = new Set<Subscriber>();
    for (const subscriber of this.#places.keys()) if (!subscriber.mayReceive(topic)) barred.add(subscriber);
    if (barred.size === this.size) return undefined;
    return { share: { next: () => this.#next(barred) }, barred: barred.size };
  }

  /** The first who is online; where nobody is, the first, whose session keeps the message for it. */
  #next(barred: ReadonlySet<Subscriber>): Member | undefined {
    let chosen: Place | undefined;
    for (let place = this.#first; place !== undefined; place = place.behind) {
      if (barred.size > 0 && barred.has(place.subscriber)) continue;
      chosen ??= place;
      if (!place.subscriber.online) continue;
      chosen = place;
      break;
    }
    if (chosen === undefined || chosen === this.#last) return chosen;
    this.#remove(chosen);
    this.#append(chosen);
    return chosen;
  }

  #append(place: Place): void {
    place.before = this.#last;
    place.behind = undefined;
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
  }

  #remove({ before, behind }: Place): void {
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
  }
}
