import type { Peer } from "../../datagram/index.js";
import { CoapError } from "../errors.js";
import { emptyMessage, encodeMessage, type Message } from "../message.js";
import type { MessageLayer } from "../message-layer.js";
import { checkResponseOptions } from "../options.js";
import { type Effect, ended, type Received } from "../outcome.js";
import { type Timed, Timers } from "../timers.js";
import { type Outgoing, responseOf } from "./answer.js";
import type { Call } from "./handles.js";
import { isPartial } from "./transfer.js";

/** Questions to groups whose answers are collected at one time: each is answered by many. */
const MAX_GATHERINGS = 16;

class Gathering implements Call, Timed {
  due = 0;
  place = -1;
  readonly peer: Peer;
  readonly token: string;
  readonly most: number;
  /** Who has answered. */
  readonly heard = new Set<string>();

  constructor(group: Peer, token: string, most: number) {
    this.peer = group;
    this.token = token;
    this.most = most;
  }
}

/**
 * Questions to groups (RFC 7252 8): non-confirmable, sent once, and answered by whoever wants to, from addresses that nobody knew
 * before. So the token alone says what an answer belongs to. Pure. Of each peer one answer counts, and of all peers `most`.
 */
export class Gatherings {
  readonly #layer: MessageLayer;
  /** By token. */
  readonly #open = new Map<string, Gathering>();
  readonly #timers = new Timers<Gathering>();

  constructor(layer: MessageLayer) {
    this.#layer = layer;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Answers come as `gathered`, the end as `settled`. */
  start(
    group: Peer,
    outgoing: Outgoing,
    { token, within, most }: { token: Uint8Array; within: number; most: number },
    now: number,
  ): { call: Call; effects: Effect[] } {
    const messageId = this.#layer.ids.next(group, now);
    const name = nameOf(token);
    const gathering = new Gathering(group, name, most);
    if (messageId === undefined || this.#open.size >= MAX_GATHERINGS || this.#open.has(name)) {
      const result = new CoapError("BUSY", "there are as many questions to groups as there may be");
      return { call: gathering, effects: [{ kind: "settled", call: gathering, result }] };
    }
    this.#open.set(name, gathering);
    this.#timers.start(gathering, now + within);
    const bytes = encodeMessage({ ...outgoing, type: "NON", messageId, token });
    return { call: gathering, effects: [{ kind: "send", peer: group, bytes }] };
  }

  /** Undefined: it is no answer to a group's question. */
  take(message: Message, peer: Peer): Received | undefined {
    // What is acknowledged was sent to one.
    const gathering = message.type === "ACK" ? undefined : this.#open.get(nameOf(message.token));
    if (gathering === undefined) return undefined;
    const effects: Effect[] = [];
    if (message.type === "CON") effects.push({ kind: "send", peer, bytes: emptyMessage("ACK", message.messageId) });
    if (gathering.heard.has(peer.id)) return ended("duplicate", ...effects);
    const checked = checkResponseOptions(message.options);
    if (!checked.ok) return ended("bad_option", ...effects);
    gathering.heard.add(peer.id);
    const answer = { code: message.code, options: checked.options, payload: Uint8Array.from(message.payload) };
    effects.push({
      kind: "gathered",
      call: gathering,
      response: responseOf(peer, answer),
      partial: isPartial(answer),
    });
    if (gathering.heard.size >= gathering.most) this.#end(gathering, undefined, effects);
    return ended("response", ...effects);
  }

  get deadline(): number | undefined {
    return this.#timers.next;
  }

  tick(now: number, effects: Effect[]): void {
    for (let one = this.#timers.expire(now); one !== undefined; one = this.#timers.expire(now)) {
      this.#end(one, undefined, effects);
    }
  }

  /** Without effect on what is no gathering, or over. */
  abort(call: Call, error: CoapError, effects: Effect[]): void {
    if (call instanceof Gathering) this.#end(call, error, effects);
  }

  /** All of them. */
  end(error: CoapError, effects: Effect[]): void {
    for (const gathering of [...this.#open.values()]) this.#end(gathering, error, effects);
  }

  #end(gathering: Gathering, result: CoapError | undefined, effects: Effect[]): void {
    if (!this.#open.delete(gathering.token)) return;
    this.#timers.stop(gathering);
    effects.push({ kind: "settled", call: gathering, result });
  }
}

function nameOf(token: Uint8Array): string {
  return Buffer.from(token.buffer, token.byteOffset, token.length).toString("latin1");
}
