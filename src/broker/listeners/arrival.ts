import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Journal } from "../../core/journal.js";
import type { Visit } from "./admission.js";
import type { Handle, Peer } from "./peer.js";

export type RefusalReason =
  | "connections"
  | "connections_per_address"
  | "connect_rate"
  | "connect_rate_per_address"
  | "handshakes"
  | "timeout"
  | "proxy_unknown"
  | "proxy_header"
  | "tls"
  | "certificate"
  | "identity"
  | "websocket";

export interface Origin {
  /** Plain; undefined for a Unix socket, and where a proxy does not say. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly local: boolean;
}

interface ArrivalOptions {
  readonly socket: Socket;
  readonly visit: Visit;
  readonly origin: Origin;
  readonly refused: (reason: RefusalReason, origin: Origin, why: string) => void;
}

/** A connection on its way to MQTT. */
export class Arrival {
  readonly socket: Socket;
  readonly visit: Visit;
  origin: Origin;
  proven: string | undefined;
  readonly #refused: ArrivalOptions["refused"];
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor({ socket, visit, origin, refused }: ArrivalOptions) {
    this.socket = socket;
    this.visit = visit;
    this.origin = origin;
    this.#refused = refused;
    socket.once("close", () => this.rest());
  }

  /** Ends it. Only the first reason counts: what is destroyed fails in other ways afterwards. */
  refuse(reason: RefusalReason, why: string): void {
    this.turnAway(reason, why);
    this.socket.destroy();
  }

  /** The same for one that was answered: the answer still goes out, within the time that was set. */
  turnAway(reason: RefusalReason, why: string): void {
    if (!this.#over) this.#refused(reason, this.origin, why);
    this.#over = true;
  }

  /** Ends it unless it rests, or is given another time, before these ms are over. */
  within(ms: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refuse("timeout", `${what} took more than ${ms} ms`), ms);
  }

  rest(): void {
    clearTimeout(this.#timer);
  }

  /** It has come to MQTT. */
  hand(handle: Handle, stream: Duplex, listener: string): void {
    this.rest();
    this.#over = true;
    this.visit.settle();
    const peer: Peer = { listener, ...this.origin, proven: this.proven };
    handle(stream, peer);
  }
}

/** Counts and tells what is refused. */
export function refusalsTo(journal: Journal, at: string): ArrivalOptions["refused"] {
  return (reason, { address }, why) => {
    const message = `a connection from ${address ?? "this machine"} is closed: ${why}`;
    journal({ level: "warn", event: "connection_refused", at, reason, message });
  };
}
