import { randomUUID } from "node:crypto";
import { NODES, nodeKey } from "./keys.js";
import type { Redis } from "./redis.js";

/** ms: how often a node says that it lives, and after how long a silence it does not. */
const BEAT = 3_000;
const SILENCE = 10_000;

export interface NodesOptions {
  readonly node: string;
  readonly redis: Redis;
  /** The sessions of these nodes are nobody's any more, and this one is to take them. */
  readonly orphaned: (nodes: readonly string[]) => Promise<void>;
  /** Whether this node hears the others. */
  readonly heard: () => Promise<void>;
  /** It has been silent for so long that others took its sessions. */
  readonly lapsed: () => void;
  /** Another process has the same id. */
  readonly conflict: () => void;
}

/** Which nodes there are. One of those that live takes what a dead one leaves: the one that strikes it off the list. */
export class Nodes {
  readonly #options: NodesOptions;
  readonly #token = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #first = true;
  #beating = false;

  constructor(options: NodesOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.#beat();
    this.#timer = setInterval(() => {
      // Redis is away: that is told elsewhere.
      if (!this.#beating && this.#options.redis.up) this.#beat().catch(() => {});
    }, BEAT);
  }

  async alive(node: string): Promise<boolean> {
    return (await this.#options.redis.commands.exists(nodeKey(node))) === 1;
  }

  /** Another node takes what this one has, at its next beat. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#options.redis.up) await this.#options.redis.commands.del(nodeKey(this.#options.node));
  }

  async #beat(): Promise<void> {
    const { node, redis, conflict, orphaned, heard, lapsed } = this.#options;
    const { commands } = redis;
    this.#beating = true;
    try {
      const [before] = await Promise.all([
        commands.set(nodeKey(node), this.#token, "PX", SILENCE, "GET"),
        commands.sadd(NODES, node),
        heard(),
      ]);
      // At the start it may be what this node left when it ended.
      if (!this.#first && before !== null && before !== this.#token) conflict();
      if (!this.#first && before === null) lapsed();
      this.#first = false;
      const others = (await commands.smembers(NODES)).filter((one) => one !== node);
      const lives = await Promise.all(others.map((one) => this.alive(one)));
      const silent = others.filter((_one, index) => lives[index] === false);
      const struck = await Promise.all(silent.map((one) => commands.srem(NODES, one)));
      const dead = silent.filter((_one, index) => struck[index] === 1);
      if (dead.length > 0) await orphaned(dead);
    } finally {
      this.#beating = false;
    }
  }
}
