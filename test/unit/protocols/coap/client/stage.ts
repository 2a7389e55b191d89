import assert from "node:assert/strict";
import type { IncomingResponse, OutgoingRequest } from "../../../../../src/protocols/coap/client/client.js";
import type { Call, Delivery, Observed } from "../../../../../src/protocols/coap/client/handles.js";
import {
  CoapEndpoint,
  CoapError,
  type Code,
  type Effect,
  type EndpointOptions,
  encodeMessage,
  type MessageType,
  OPTION,
  type Option,
  type Outcome,
  uint,
} from "../../../../../src/protocols/coap/index.js";
import { block } from "../../../../../src/protocols/coap/options.js";
import type { Peer } from "../../../../../src/protocols/datagram/index.js";
import { EMPTY, line, PEER } from "../server/stage.js";

export const GET: OutgoingRequest = { method: "0.01", path: ["t"] };

/** Of a Block1 or Block2 option: `1/1/64` is block 1 of 64 bytes, with more to come. */
export function parts(number: 23 | 27, text: string): Option {
  const [num, more, size] = text.split("/").map(Number);
  assert.ok(num !== undefined && more !== undefined && size !== undefined);
  return block(number, { num, more: more === 1, szx: Math.log2(size) - 4 });
}

/**
 * The message that reads so: `CON 2.05 7 4a observe=1 block2=0/1/64 max-age=5 size2=9 etag=aa echo=bb payload`. `*16` is a payload
 * of 16 bytes.
 */
export function said(text: string, options: readonly Option[] = []): Uint8Array {
  const [type, code, messageId, ...rest] = text.split(" ");
  const token = code === "0.00" ? "" : (rest.shift() ?? "");
  const given: Option[] = [...options];
  while (rest[0]?.includes("=") === true) {
    const [name, value = ""] = (rest.shift() ?? "").split("=");
    if (name === "block1" || name === "block2") given.push(parts(OPTION[name], value));
    else if (name === "etag" || name === "echo") given.push({ number: OPTION[name], value: Buffer.from(value, "hex") });
    else if (name === "max-age") given.push(uint(OPTION.maxAge, Number(value)));
    else if (name === "observe" || name === "size2") given.push(uint(OPTION[name], Number(value)));
  }
  const payload = rest.join(" ");
  return encodeMessage({
    type: type as MessageType,
    code: code as Code,
    messageId: Number(messageId),
    token: token === "-" ? EMPTY : Buffer.from(token, "hex"),
    options: given,
    payload: payload.startsWith("*") ? new Uint8Array(Number(payload.slice(1))).fill(0x2a) : Buffer.from(payload),
  });
}

/**
 * An endpoint that asks, with a clock that stands still unless told otherwise. Ids count from 0, tokens from 01. What it does is
 * told in lines: a message that it sends as `line` has it; `1= 2.05 text` and `1! TIMEOUT` are the ends of the first request;
 * `state text`, `over 4.04 text`, `over! GONE` and `cancelled` tell of observations.
 */
export function asking(options: EndpointOptions = {}) {
  let tokens = 0;
  const randomBytes = (): Uint8Array => Uint8Array.of(++tokens);
  const endpoint = new CoapEndpoint({ random: () => 0, randomBytes, ...options });
  let clock = 0;
  let told: string[] = [];
  const calls: Call[] = [];
  const numbers = new Map<Call, number>();
  const responses: IncomingResponse[] = [];
  const sent: Uint8Array[] = [];
  const observed: Observed[] = [];
  const deliveries: Delivery[] = [];

  const show = ({ code, payload }: IncomingResponse): string =>
    `${code} ${payload.length > 20 ? `${payload.length} B` : Buffer.from(payload).toString()}`.trim();

  function run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "send":
          sent.push(effect.bytes);
          told.push(effect.peer === PEER ? line(effect.bytes) : `${effect.peer.port}: ${line(effect.bytes)}`);
          break;
        case "settled": {
          const number = numbers.get(effect.call);
          if (effect.result instanceof CoapError) told.push(`${number}! ${effect.result.code}`);
          else if (effect.result === undefined) told.push(`${number}= pong`);
          else {
            responses.push(effect.result);
            told.push(`${number}= ${show(effect.result)}`);
          }
          break;
        }
        case "state":
          deliveries.push(effect.delivery);
          told.push(`state ${show(effect.state).slice(5)}`);
          break;
        case "over":
          told.push(effect.why instanceof CoapError ? `over! ${effect.why.code}` : `over ${show(effect.why)}`);
          break;
        case "cancelled":
          told.push("cancelled");
          break;
        default:
          assert.fail(`a client has no ${effect.kind}`);
      }
    }
  }

  function lines(): string[] {
    const all = told;
    told = [];
    return all;
  }

  return {
    endpoint,
    lines,
    /** Answers, in the order in which they came. */
    responses,
    /** Datagrams, all of them. */
    sent,
    now: () => clock,
    ask: (
      request: OutgoingRequest,
      limits: { timeout?: number; maxBody?: number } = {},
      peer: Peer = PEER,
    ): string[] => {
      const { call, effects } = endpoint.client.request(peer, request, limits, clock);
      numbers.set(call, calls.push(call));
      run(effects);
      return lines();
    },
    ping: (limits: { timeout?: number } = {}): string[] => {
      const { call, effects } = endpoint.client.ping(PEER, limits, clock);
      numbers.set(call, calls.push(call));
      run(effects);
      return lines();
    },
    abort: (number: number): string[] => {
      const call = calls[number - 1];
      assert.ok(call !== undefined);
      run(endpoint.client.abort(call, new CoapError("ABORTED", "given up"), clock));
      return lines();
    },
    observe: (request: OutgoingRequest = GET): string[] => {
      const { observed: one, effects } = endpoint.client.observe(PEER, request, clock);
      observed.push(one);
      run(effects);
      return lines();
    },
    cancel: (): string[] => {
      const one = observed.at(-1);
      assert.ok(one !== undefined);
      run(endpoint.client.cancel(one, clock));
      return lines();
    },
    /** Takes the oldest state that was given out and not answered yet. */
    taken: (): string[] => {
      const delivery = deliveries.shift();
      assert.ok(delivery !== undefined, "no state was given out");
      run(endpoint.client.taken(delivery));
      return lines();
    },
    refused: (): string[] => {
      const delivery = deliveries.shift();
      assert.ok(delivery !== undefined, "no state was given out");
      run(endpoint.client.refused(delivery, clock));
      return lines();
    },
    /** What becomes of a message that reads so, and what it brings about. */
    receive: (
      text: string,
      { peer = PEER, multicast = false, options = [] as readonly Option[] } = {},
    ): [Outcome, ...string[]] => {
      const { outcome, effects } = endpoint.receive(said(text, options), peer, multicast, clock);
      run(effects);
      return [outcome, ...lines()];
    },
    wait: (ms: number): string[] => {
      clock += ms;
      run(endpoint.tick(clock));
      return lines();
    },
    gone: (peer: Peer = PEER): string[] => {
      run(endpoint.forget(peer, clock));
      return lines();
    },
    close: (): string[] => {
      run(endpoint.close(clock));
      return lines();
    },
  };
}
