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

/**
 * The subscribers that share what one filter takes: each message goes to one of them (MQTT 5 4.8.2). In turn, over all topics:
 * with a turn for each topic the first member would have all of those that are published once.
 */
export class Group {
  readonly #members: Member[] = [];
  readonly #places = new Map<Subscriber, number>();
  #turn = 0;

  get size(): number {
    return this.#members.length;
  }

  /** True where it was not in it. No Local does not exist here (MQTT-3.8.3-4). */
  join(subscriber: Subscriber, options: SubscriptionOptions): boolean {
    const place = this.#places.get(subscriber);
    this.#members[place ?? this.size] = { subscriber, grant: grantOf(options) };
    if (place === undefined) this.#places.set(subscriber, this.size - 1);
    return place === undefined;
  }

  /** False where it was not in it. The last one takes its place: nobody else moves. */
  leave(subscriber: Subscriber): boolean {
    const place = this.#places.get(subscriber);
    if (place === undefined) return false;
    this.#places.delete(subscriber);
    const last = this.#members.pop();
    if (last !== undefined && last.subscriber !== subscriber) {
      this.#members[place] = last;
      this.#places.set(last.subscriber, place);
    }
    return true;
  }

  /** Undefined where none of them may have that topic. */
  on(topic: string): { readonly share: Share; readonly barred: number } | undefined {
    const barred = new Set<Subscriber>();
    for (const { subscriber } of this.#members) if (!subscriber.mayReceive(topic)) barred.add(subscriber);
    if (barred.size === this.size) return undefined;
    return { share: { next: () => this.#next(barred) }, barred: barred.size };
  }

  /** The next who is online; where nobody is, the next one, whose session keeps the message for it. */
  #next(barred: ReadonlySet<Subscriber>): Member | undefined {
    let chosen: number | undefined;
    for (let step = 0; step < this.size; step++) {
      const place = (this.#turn + step) % this.size;
      const subscriber = this.#members[place]?.subscriber;
      if (subscriber === undefined || barred.has(subscriber)) continue;
      if (subscriber.online) {
        chosen = place;
        break;
      }
      chosen ??= place;
    }
    if (chosen === undefined) return undefined;
    this.#turn = chosen + 1;
    return this.#members[chosen];
  }
}
