import { type Route, routeOf } from "./grant.js";
import { Group } from "./share.js";
import type { Subscriber, SubscriptionOptions } from "./subscriber.js";

/** Who subscribed to one filter. */
export class Audience {
  readonly #routes = new Map<Subscriber, Route>();
  #groups: Map<string, Group> | undefined;

  get routes(): Iterable<Route> {
    return this.#routes.values();
  }

  get groups(): Iterable<Group> {
    return this.#groups?.values() ?? [];
  }

  get groupCount(): number {
    return this.#groups?.size ?? 0;
  }

  get isEmpty(): boolean {
    return this.#routes.size + this.groupCount === 0;
  }

  /** True where the subscriber was not in it, or not in that group. */
  join(group: string | undefined, subscriber: Subscriber, options: SubscriptionOptions): boolean {
    if (group === undefined) {
      const before = this.#routes.size;
      this.#routes.set(subscriber, routeOf(subscriber, options));
      return this.#routes.size > before;
    }
    this.#groups ??= new Map();
    const members = this.#groups.get(group) ?? new Group();
    this.#groups.set(group, members);
    return members.join(subscriber, options);
  }

  /** False where it was not in it. */
  leave(group: string | undefined, subscriber: Subscriber): boolean {
    if (group === undefined) return this.#routes.delete(subscriber);
    const members = this.#groups?.get(group);
    if (members?.leave(subscriber) !== true) return false;
    if (members.size === 0) this.#groups?.delete(group);
    return true;
  }
}
