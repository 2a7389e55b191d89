import { randomBytes, timingSafeEqual } from "node:crypto";
import type { PeerIdentity } from "../../../src/protocols/datagram/index.js";
import type { Party } from "./party.js";

/** A heartbeat may be late by half of its time, as in MQTT (MQTT-3.1.2-22). */
const GRACE = 1.5;
/** Bytes: beyond guessing. */
const TOKEN_SIZE = 16;

interface Connection {
  readonly party: Party;
  readonly token: string;
  /** Who it proved to be: the token is nobody else's. */
  readonly identity: string;
}

/** Clients that connected, by their client id. Bounded by what the broker lets in. Pure: time comes in. */
export class Connections {
  readonly #silence: number;
  readonly #connections = new Map<string, Connection>();

  /** ms. */
  constructor(heartbeat: number) {
    this.#silence = heartbeat * GRACE;
  }

  get size(): number {
    return this.#connections.size;
  }

  has(clientId: string): boolean {
    return this.#connections.has(clientId);
  }

  holds(party: Party): boolean {
    return this.#connections.get(party.client.clientId)?.party === party;
  }

  /** Its token. One before it with the same client id is over. */
  add(party: Party, identity: PeerIdentity | undefined): string {
    const token = randomBytes(TOKEN_SIZE).toString("base64url");
    this.#connections.set(party.client.clientId, { party, token, identity: textOf(identity) });
    return token;
  }

  /** Undefined: there is none with that token. */
  find(clientId: string, token: string, identity: PeerIdentity | undefined): Party | undefined {
    const connection = this.#connections.get(clientId);
    if (connection === undefined || !isSame(connection.token, token)) return undefined;
    return connection.identity === textOf(identity) && !connection.party.over ? connection.party : undefined;
  }

  remove(party: Party): void {
    const { clientId } = party.client;
    if (this.#connections.get(clientId)?.party === party) this.#connections.delete(clientId);
  }

  /** Those of which nothing was heard for too long. */
  silent(now: number): Party[] {
    const silent: Party[] = [];
    for (const { party } of this.#connections.values()) if (now - party.heard > this.#silence) silent.push(party);
    return silent;
  }
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function textOf(identity: PeerIdentity | undefined): string {
  if (identity === undefined) return "";
  return `${identity.kind} ${identity.kind === "psk" ? identity.identity : identity.fingerprint}`;
}
