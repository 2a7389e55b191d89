import { WeirError } from "../../core/errors.js";
import type { Identity } from "../access/access.js";
import type { Publication } from "../publication.js";
import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";
import type { Heard } from "./channel.js";
import { HOMES } from "./keys.js";
import type { Redis } from "./redis.js";
import type { ClusterStore } from "./store.js";

export interface HandoverOptions {
  readonly node: string;
  readonly redis: Redis;
  readonly store: ClusterStore;
  readonly sessions: Sessions;
  readonly send: (publication: Publication) => void;
  readonly alive: (node: string) => Promise<boolean>;
  /** The session is not here any more. */
  readonly left: (session: Session) => void;
  /** How much of a queue is read before its client is let in. */
  readonly entries: number;
}

/** ms that a node has to let go of a session; one that was killed a moment ago does not answer. */
const PATIENCE = 1_000;
/** As aedes says that a client has come (`$SYS/{node}/new/clients`), and the answer to it. */
const COMING = /^\$SYS\/[^/]+\/new\/clients$/;
const GONE = /^\$SYS\/[^/]+\/gone\/clients$/;

interface Coming {
  /** Its announcement was heard: whoever announces the client after that is the later one. */
  announced: boolean;
  overtaken: boolean;
  go: () => void;
}

/** How a session comes to the node where its client is: the node that has it lets go, then it is read from Redis. */
export class Handover {
  readonly #options: HandoverOptions;
  readonly #coming = new Map<string, Coming>();
  /** Here, but without their queues: taken over from nodes that are gone. */
  readonly #partial = new Set<string>();

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /** Undefined where the session is here. Rejects where it cannot be had: the client is to come again. */
  fetch(identity: Identity): Promise<void> | undefined {
    const { clientId } = identity;
    const here = this.#options.sessions.get(clientId) !== undefined && !this.#partial.has(clientId);
    return here ? undefined : this.#fetch(identity);
  }

  /** What nodes that are gone have left: their wills and expiry are looked after here. The queues stay where they are. */
  async adopt(nodes: readonly string[]): Promise<void> {
    const { redis, store, sessions } = this.#options;
    for (const [clientId, home] of Object.entries(await redis.commands.hgetall(HOMES))) {
      if (!nodes.includes(home) || sessions.get(clientId) !== undefined) continue;
      if (!(await store.claim(clientId, home))) continue;
      const stored = await store.read(clientId, 0);
      if (stored === undefined || sessions.get(clientId) !== undefined || this.#coming.has(clientId)) continue;
      sessions.recover(stored);
      this.#partial.add(clientId);
    }
    sessions.sweep();
  }

  /** True where it was for this. */
  hear({ node, publication: { topic, payload } }: Heard): boolean {
    if (COMING.test(topic)) this.#announced(node, payload);
    else if (GONE.test(topic)) this.#coming.get(Buffer.from(payload).toString())?.go();
    else return false;
    return true;
  }

  async #fetch({ clientId, user }: Identity): Promise<void> {
    const { node, redis, store, sessions, alive, entries } = this.#options;
    if (!redis.up) throw new WeirError("BROKER_CLUSTER_UNAVAILABLE", `${redis.address.url} is away`);
    const coming: Coming = { announced: false, overtaken: false, go: () => {} };
    const before = this.#coming.get(clientId);
    if (before !== undefined) {
      before.overtaken = true;
      before.go();
    }
    this.#coming.set(clientId, coming);
    try {
      const home = (await redis.commands.hget(HOMES, clientId)) ?? undefined;
      const elsewhere = home !== undefined && home !== node && (await alive(home));
      if (elsewhere) {
        const held = await store.read(clientId, 0);
        if (held !== undefined && held.disconnected === undefined && held.user !== user)
          throw new WeirError("CLOSED", "another user is connected with this client id, on another gateway");
      }
      const gone = elsewhere ? this.#patience(coming) : undefined;
      this.#say("new", JSON.stringify({ clientId, user }));
      await gone;
      if (coming.overtaken) throw new WeirError("CLOSED", "the client has come to another gateway");
      if (home !== undefined) await redis.commands.hset(HOMES, clientId, node);
      const stored = await store.read(clientId, entries);
      if (coming.overtaken) throw new WeirError("CLOSED", "the client has come to another gateway");
      const partial = sessions.get(clientId);
      if (partial !== undefined && this.#partial.delete(clientId)) sessions.forget(partial);
      if (stored === undefined || sessions.get(clientId) !== undefined) return;
      sessions.recover(stored);
      // The will of one whose node is gone, and sessions that are over.
      sessions.sweep();
    } finally {
      if (this.#coming.get(clientId) === coming) this.#coming.delete(clientId);
    }
  }

  #patience(coming: Coming): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE);
      coming.go = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #announced(from: string, payload: Uint8Array): void {
    const said = announcement(payload);
    if (said === undefined) return;
    const { clientId, user } = said;
    const coming = this.#coming.get(clientId);
    if (from === this.#options.node) {
      if (coming !== undefined) coming.announced = true;
      return;
    }
    if (coming?.announced === true) {
      coming.overtaken = true;
      coming.go();
    }
    const session = this.#options.sessions.get(clientId);
    if (session === undefined || (session.online && session.identity.user !== user)) return;
    this.letGo(session);
    // Behind all that was written of it.
    void this.#options.store.quiet(clientId).then(() => this.#say("gone", clientId));
  }

  /** It goes on at another node. */
  letGo(session: Session): void {
    const { sessions, left } = this.#options;
    session.link?.close();
    this.#partial.delete(session.clientId);
    left(session);
    // A session that ends with its connection is over by now.
    if (sessions.get(session.clientId) === session) sessions.forget(session);
  }

  #say(what: "new" | "gone", text: string): void {
    const { node, send } = this.#options;
    send({ topic: `$SYS/${node}/${what}/clients`, payload: Buffer.from(text), qos: 0, retain: false });
  }
}

function announcement(payload: Uint8Array): { clientId: string; user: string | undefined } | undefined {
  try {
    const { clientId, user }: { clientId?: unknown; user?: unknown } = JSON.parse(Buffer.from(payload).toString());
    if (typeof clientId !== "string") return undefined;
    return { clientId, user: typeof user === "string" ? user : undefined };
  } catch {
    return undefined;
  }
}
