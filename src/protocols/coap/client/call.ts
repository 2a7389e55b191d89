import type { Peer } from "../../datagram/index.js";
import type { CoapError } from "../errors.js";
import type { Effect } from "../outcome.js";
import type { Timed } from "../timers.js";
import type { Answer } from "./answer.js";
import type { Arrival } from "./arrival.js";
import type { Asker, ClientExchange, Exchanges } from "./exchanges.js";
import type { Call } from "./handles.js";
import type { Transfer, TransferStep } from "./transfer.js";
import type { Turns } from "./turns.js";

/** Who asks something of a peer, and takes the answers. */
export interface ClientAsker extends Asker {
  /** The answer to the message that was sent last. It sees to the acknowledgement. */
  answered(answer: Answer, arrival: Arrival, now: number, effects: Effect[]): void;
}

/** What calls stand on. */
export interface CallGround {
  readonly exchanges: Exchanges<ClientAsker>;
  /** Two bodies to one resource, each in blocks, go one after the other: a server may tell them apart by nothing else. */
  readonly uploads: Turns<TransferCall>;
  /** All that are not over. */
  readonly calls: Set<TransferCall | PingCall>;
  token(peer: Peer): Uint8Array;
}

/** What becomes of a call. Called once. With an answer comes what brought it, which is still to be acknowledged. */
export type Done = (
  result: { readonly answer: Answer; readonly arrival: Arrival } | CoapError,
  now: number,
  effects: Effect[],
) => void;

export interface CallOptions {
  readonly peer: Peer;
  readonly confirmable: boolean;
  readonly transfer: Transfer;
  /** What uploads take turns by. */
  readonly target: string;
  /** Of all its messages; a new one for each if left out. */
  readonly token?: Uint8Array;
  readonly done: Done;
}

/** A transfer that is under way: its messages one after the other. */
export class TransferCall implements Call, ClientAsker, Timed {
  due = 0;
  place = -1;
  readonly #options: CallOptions;
  readonly #ground: CallGround;
  #exchange: ClientExchange<ClientAsker> | undefined;
  #hasTurn = false;
  #over = false;

  constructor(options: CallOptions, ground: CallGround) {
    this.#options = options;
    this.#ground = ground;
    ground.calls.add(this);
  }

  get peer(): Peer {
    return this.#options.peer;
  }

  /** Nothing of it has been sent yet. */
  get unsent(): boolean {
    return this.#exchange === undefined || this.#exchange.state === "waiting";
  }

  /** Sends what is next of the transfer. */
  start(now: number, effects: Effect[]): void {
    const { transfer, peer, target, confirmable } = this.#options;
    if (transfer.inBlocks && !this.#hasTurn) {
      if (!this.#ground.uploads.enter(target, this)) return;
      this.#hasTurn = true;
    }
    const token = this.#options.token ?? this.#ground.token(peer);
    const first = this.#exchange !== undefined;
    this.#exchange = this.#ground.exchanges.open(
      { peer, confirmable, outgoing: transfer.outgoing, token, asker: this },
      first,
      now,
      effects,
    );
  }

  /** Instead of `start`: the first block of the answer is there. */
  follow(answer: Answer, arrival: Arrival, now: number, effects: Effect[]): void {
    this.#step(this.#options.transfer.follow(answer), arrival, now, effects);
  }

  answered(answer: Answer, arrival: Arrival, now: number, effects: Effect[]): void {
    const step = this.#options.transfer.take(answer);
    if (step.kind !== "answered") arrival.acknowledge(effects);
    this.#step(step, arrival, now, effects);
  }

  failed(error: CoapError, now: number, effects: Effect[]): void {
    if (this.#over) return;
    this.#end(now, effects);
    this.#options.done(error, now, effects);
  }

  /** Nobody wants it any more. `done` is not called. */
  abandon(now: number, effects: Effect[]): void {
    if (!this.#over) this.#end(now, effects);
  }

  #step(step: TransferStep, arrival: Arrival, now: number, effects: Effect[]): void {
    switch (step.kind) {
      case "send":
        this.start(now, effects);
        return;
      case "failed":
        this.failed(step.error, now, effects);
        return;
      case "answered":
        this.#end(now, effects);
        this.#options.done({ answer: step.answer, arrival }, now, effects);
    }
  }

  #end(now: number, effects: Effect[]): void {
    this.#over = true;
    this.#ground.calls.delete(this);
    if (this.#exchange !== undefined) this.#ground.exchanges.abandon(this.#exchange, now, effects);
    const next = this.#ground.uploads.leave(this.#options.target, this);
    if (next === undefined) return;
    next.#hasTurn = true;
    next.start(now, effects);
  }
}

/** An empty confirmable message, to which each endpoint answers with a reset (RFC 7252 4.3). */
export class PingCall implements Call, ClientAsker, Timed {
  due = 0;
  place = -1;
  readonly peer: Peer;
  readonly #ground: CallGround;
  readonly #done: (result: CoapError | undefined, effects: Effect[]) => void;
  #exchange: ClientExchange<ClientAsker> | undefined;

  constructor(peer: Peer, ground: CallGround, done: (result: CoapError | undefined, effects: Effect[]) => void) {
    this.peer = peer;
    this.#ground = ground;
    this.#done = done;
    ground.calls.add(this);
  }

  start(now: number, effects: Effect[]): void {
    const question = { peer: this.peer, confirmable: true, outgoing: undefined, token: NO_TOKEN, asker: this };
    this.#exchange = this.#ground.exchanges.open(question, false, now, effects);
  }

  answered(_answer: Answer, _arrival: Arrival, _now: number, _effects: Effect[]): void {
    // It has no token: nothing that comes is an answer to it but the reset.
  }

  pong(effects: Effect[]): void {
    if (this.#ground.calls.delete(this)) this.#done(undefined, effects);
  }

  failed(error: CoapError, now: number, effects: Effect[]): void {
    if (!this.#ground.calls.delete(this)) return;
    if (this.#exchange !== undefined) this.#ground.exchanges.abandon(this.#exchange, now, effects);
    this.#done(error, effects);
  }
}

const NO_TOKEN = new Uint8Array(0);
