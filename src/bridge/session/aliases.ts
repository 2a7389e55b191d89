/**
 * The topic aliases of one connection (MQTT 5 3.3.2.3.4): the first topics that go over it get one, and are a number from
 * their second message on. None is ever given to another topic: with more topics than aliases that would only cost bytes.
 */
export class TopicAliases {
  readonly #limit: number;
  readonly #aliases = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The topic's alias, and whether the upstream knows it; undefined where it has none. */
  next(topic: string): { readonly alias: number; readonly known: boolean } | undefined {
    const alias = this.#aliases.get(topic);
    if (alias !== undefined) return { alias, known: true };
    if (this.#aliases.size >= this.#limit) return undefined;
    const fresh = this.#aliases.size + 1;
    this.#aliases.set(topic, fresh);
    return { alias: fresh, known: false };
  }
}
