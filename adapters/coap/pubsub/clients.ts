import { randomBytes } from "node:crypto";
import type { PubSub, PubSubClient } from "../../../src/core/pubsub.js";
import type { CoapRequest } from "../../../src/protocols/coap/index.js";
import type { PeerIdentity } from "../../../src/protocols/datagram/index.js";
import type { PubSubSettings } from "./config.js";
import { Connections } from "./connections.js";
import type { Parameters } from "./parameters.js";
import { Party } from "./party.js";
import { notLetIn, RETRY_AFTER, Refused } from "./refused.js";

export interface ClientsContext {
  readonly settings: Pick<PubSubSettings, "connectionRequired" | "heartbeat" | "notify">;
  readonly pubsub: PubSub;
  /** The link, for the broker. */
  readonly at: string;
  /** ms that only go forward. */
  readonly ticks: () => number;
}

/** Whose request it is, and the session that it has. */
export interface Who {
  readonly client: PubSubClient;
  readonly party: Party | undefined;
}

/** ms. A client without connection that observes nothing any more needs no session. */
const IDLE = 5_000;

/** The clients of the gateway: those with a connection, and those that observe something without one. */
export class Clients {
  readonly #context: ClientsContext;
  readonly #connections: Connections;
  /** Begins the ids of clients that give none: peers have the same ones on other sockets, and after a restart. */
  readonly #names = `coap-${randomBytes(6).toString("hex")}`;
  /** Of clients without a connection, by peer, user and client id; while one is being opened, whoever comes waits for it. */
  readonly #parties = new Map<string, Promise<Party>>();
  readonly #open = new Set<Party>();

  constructor(context: ClientsContext) {
    this.#context = context;
    this.#connections = new Connections(context.settings.heartbeat);
  }

  /** Those that have a session. */
  get size(): number {
    return this.#open.size;
  }

  /** By its token, or else by what it says of itself, with each request. Throws Refused. */
  async of(request: CoapRequest, parameters: Parameters): Promise<Who> {
    if (parameters.token !== undefined || this.#context.settings.connectionRequired) {
      const party = this.byToken(request, parameters);
      party.touch();
      return { client: party.client, party };
    }
    const { peer } = request;
    const client = await this.#admit(request, parameters, parameters.clientId ?? `${this.#names}-${peer.id}`);
    return { client, party: await this.#parties.get(keyOf(request, client)) };
  }

  byToken({ peer }: CoapRequest, { clientId, token }: Parameters): Party {
    if (clientId === undefined || token === undefined)
      throw new Refused("4.00", "clientid and token are wanted with each request", { reason: "token" });
    const party = this.#connections.find(clientId, token, peer.identity);
    if (party === undefined) throw new Refused("4.01", "there is no such connection", { reason: "token" });
    return party;
  }

  /** The token of a new connection. */
  async connect(request: CoapRequest, parameters: Parameters, clientId: string): Promise<string> {
    const client = await this.#admit(request, parameters, clientId);
    const party = await this.#connect(client, (ended) => this.#connections.remove(ended));
    // Nobody would take one away that had ended before.
    if (party.over) throw new Refused("4.01", "its client id has come by another connection");
    return this.#connections.add(party, request.peer.identity);
  }

  /** Whether there is one with that client id. */
  isConnected(clientId: string): boolean {
    return this.#connections.has(clientId);
  }

  /** The session of a client without a connection. */
  async open(request: CoapRequest, client: PubSubClient): Promise<Party> {
    const key = keyOf(request, client);
    const known = this.#parties.get(key);
    if (known !== undefined) return known;
    const opened = this.#connect(client, () => void this.#parties.delete(key));
    this.#parties.set(key, opened);
    // Nothing of one that failed stays.
    opened.catch(() => void this.#parties.delete(key));
    return opened;
  }

  /** Looks at what depends on time. */
  sweep(): void {
    const now = this.#context.ticks();
    const last = new Refused("4.01", "no heartbeat came: connect again").response;
    for (const party of this.#connections.silent(now)) party.end(last);
    for (const party of [...this.#open]) {
      const idle = !party.observes && now - party.heard > IDLE;
      if (idle && !this.#connections.holds(party)) party.end();
    }
  }

  close(): void {
    const last = new Refused("5.03", "the gateway is stopping", { maxAge: RETRY_AFTER }).response;
    for (const party of [...this.#open]) party.end(last);
  }

  async #admit({ peer }: CoapRequest, parameters: Parameters, clientId: string): Promise<PubSubClient> {
    const { username, password } = parameters;
    const client = await this.#context.pubsub.admit({
      ...{ clientId, username, link: this.#context.at, address: peer.address, proven: userOf(peer.identity) },
      password: password === undefined ? undefined : Buffer.from(password),
    });
    if (typeof client === "string") throw notLetIn(client);
    return client;
  }

  async #connect(client: PubSubClient, gone: (party: Party) => void): Promise<Party> {
    const { ticks, settings } = this.#context;
    const party = await Party.connect(client, {
      notify: settings.notify,
      ticks,
      ended: (ended) => {
        this.#open.delete(ended);
        gone(ended);
      },
    });
    if (typeof party === "string") throw notLetIn(party);
    if (!party.over) this.#open.add(party);
    return party;
  }
}

function keyOf({ peer }: CoapRequest, { user, clientId }: PubSubClient): string {
  return JSON.stringify([peer.id, user ?? null, clientId]);
}

/** The user that a peer's key or certificate proves: as MQTT listeners have it, the identity or the common name. */
function userOf(identity: PeerIdentity | undefined): string | undefined {
  if (identity?.kind === "psk") return identity.identity;
  return identity?.kind === "certificate" ? identity.names[0] : undefined;
}
