import { Audience } from "./audience.js";
import { FilterTree } from "./filter-tree.js";
import { type Matched, matched, NOBODY } from "./matched.js";
import { parseFilter, type SubscribedFilter } from "./shared-filter.js";
import type { Subscriber, SubscriptionOptions } from "./subscriber.js";
import { TopicCache } from "./topic-cache.js";

export interface RoutesSize {
  readonly subscriptions: number;
  /** Different ones; without `$share/group/`. */
  readonly filters: number;
  /** Groups that share a filter. */
  readonly groups: number;
  /** Topics whose receivers are known by heart. */
  readonly topics: number;
}

/** Who subscribed to what, and who gets a message therefore. */
export class Routes {
  readonly #audiences = new FilterTree<Audience>();
  readonly #cache = new TopicCache<Matched>();
  #subscriptions = 0;
  #groups = 0;

  get size(): RoutesSize {
    return {
      subscriptions: this.#subscriptions,
      filters: this.#audiences.size,
      groups: this.#groups,
      topics: this.#cache.size,
    };
  }

  /**
   * True where the subscriber had no subscription to that filter; otherwise its options are replaced. The filter is valid;
   * `$share/group/filter` joins a group.
   */
  subscribe(text: string, subscriber: Subscriber, options: SubscriptionOptions): boolean {
    const { group, filter } = split(text);
    const known = this.#audiences.get(filter);
    const audience = known ?? new Audience();
    if (known === undefined) this.#audiences.set(filter, audience);
    const groups = audience.groupCount;
    const added = audience.join(group, subscriber, options);
    this.#groups += audience.groupCount - groups;
    if (added) this.#subscriptions++;
    this.#cache.forget(filter);
    return added;
  }

  /** False where there was none. */
  unsubscribe(text: string, subscriber: Subscriber): boolean {
    const { group, filter } = split(text);
    const audience = this.#audiences.get(filter);
    if (audience === undefined) return false;
    const groups = audience.groupCount;
    if (!audience.leave(group, subscriber)) return false;
    this.#groups += audience.groupCount - groups;
    this.#subscriptions--;
    if (audience.isEmpty) this.#audiences.delete(filter);
    this.#cache.forget(filter);
    return true;
  }

  /** Permissions changed: who may have a topic is asked again. */
  invalidate(): void {
    this.#cache.clear();
  }

  /** Until the next change of any kind. For a topic that is published often it allocates nothing. */
  match(topic: string): Matched {
    if (this.#subscriptions === 0) return NOBODY;
    const known = this.#cache.get(topic);
    if (known !== undefined) return known;
    const found = matched(topic, this.#audiences.match(topic));
    this.#cache.add(topic, found);
    return found;
  }
}

function split(text: string): SubscribedFilter {
  return parseFilter(text) ?? { group: undefined, filter: text };
}
