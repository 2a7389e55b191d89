import assert from "node:assert/strict";
import {
  CoapEndpoint,
  type CoapRequest,
  type CoapResponse,
  type Code,
  type Effect,
  type EndpointOptions,
  type Exchange,
  encodeMessage,
  type Message,
  type MessageType,
  type NotifyOutcome,
  OPTION,
  type Option,
  type Outcome,
  parseMessage,
} from "../../../../../src/protocols/coap/index.js";
import { blockOption, uintOption } from "../../../../../src/protocols/coap/options.js";
import type { Observation } from "../../../../../src/protocols/coap/server/observations.js";
import type { Peer } from "../../../../../src/protocols/datagram/index.js";

export const PEER: Peer = peerAt(5000);
export const EMPTY = new Uint8Array(0);

export function peerAt(port: number): Peer {
  return { id: `192.0.2.1:${port}`, address: "192.0.2.1", port };
}

/** The same peer, over DTLS. */
export function known(peer: Peer): Peer {
  return { ...peer, identity: { kind: "psk", identity: "device" } };
}

export const path = (...segments: string[]): Option[] =>
  segments.map((segment) => ({ number: OPTION.uriPath, value: Buffer.from(segment) }));

export function message(parts: Partial<Message> = {}): Uint8Array {
  return encodeMessage({
    type: "CON",
    code: "0.01",
    messageId: 7,
    token: Uint8Array.of(0x4a),
    options: [],
    payload: EMPTY,
    ...parts,
  });
}

export function read(bytes: Uint8Array | undefined): Message {
  assert.ok(bytes !== undefined, "nothing was sent");
  const parsed = parseMessage(bytes);
  assert.ok(parsed.ok, "what is sent is CoAP");
  return parsed.message;
}

/** `CON 2.05 7 4a observe=1 block2=0/1/64 payload`: as the figures of the RFCs have it. */
export function line(bytes: Uint8Array): string {
  const { type, code, messageId, token, options, payload } = read(bytes);
  const observe = uintOption(options, OPTION.observe);
  const parts: string[] = [type, code, String(messageId), Buffer.from(token).toString("hex")];
  if (observe !== undefined) parts.push(`observe=${observe}`);
  for (const name of ["block1", "block2"] as const) {
    const found = blockOption(options, OPTION[name]);
    if (found !== undefined) parts.push(`${name}=${found.num}/${Number(found.more)}/${2 ** (found.szx + 4)}`);
  }
  if (payload.length > 0) parts.push(payload.length > 20 ? `${payload.length} B` : Buffer.from(payload).toString());
  return parts.filter((part) => part !== "").join(" ");
}

/** An endpoint with a clock that stands still unless told otherwise, and a handler that answers at once if there is one. */
export function stage(options: EndpointOptions = {}, handler?: (request: CoapRequest) => CoapResponse) {
  const endpoint = new CoapEndpoint({ random: () => 0, ...options });
  let clock = 0;
  let sent: Uint8Array[] = [];
  const exchanges: Exchange[] = [];
  const requests: CoapRequest[] = [];
  const observations: Observation[] = [];
  /** In the order in which they ended. */
  const endings: number[] = [];
  const outcomes: string[] = [];

  function run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "send":
          sent.push(effect.bytes);
          break;
        case "request":
          requests.push(effect.request);
          if (handler === undefined) exchanges.push(effect.exchange);
          else run(endpoint.respond(effect.exchange, handler(effect.request), clock));
          break;
        case "observing": {
          const index = observations.push(effect.observation) - 1;
          effect.observation.onEnd = () => endings.push(index);
          break;
        }
        case "notified":
          effect.settle(effect.outcome);
          break;
        case "ended":
          effect.ended();
          break;
      }
    }
  }

  /** What was sent since the last time. */
  function datagrams(): Uint8Array[] {
    const taken = sent;
    sent = [];
    return taken;
  }

  return {
    endpoint,
    requests,
    observations,
    endings,
    outcomes,
    datagrams,
    lines: (): string[] => datagrams().map(line),
    now: (): number => clock,
    wait: (ms: number): string[] => {
      clock += ms;
      run(endpoint.tick(clock));
      return datagrams().map(line);
    },
    receive: (bytes: Uint8Array, { peer = PEER, multicast = false } = {}): Outcome => {
      const { outcome, effects } = endpoint.receive(bytes, peer, multicast, clock);
      run(effects);
      return outcome;
    },
    /** An empty message: what an ACK or a RST is. */
    reply: (type: MessageType, messageId: number, peer = PEER): Outcome => {
      const { outcome, effects } = endpoint.receive(
        message({ type, code: "0.00", token: EMPTY, messageId }),
        peer,
        false,
        clock,
      );
      run(effects);
      return outcome;
    },
    respond: (response: CoapResponse): void => {
      const exchange = exchanges.shift();
      assert.ok(exchange !== undefined, "no request waits");
      run(endpoint.respond(exchange, response, clock));
    },
    /** Its outcome goes to `outcomes`, as `name:outcome`. */
    notify: (index: number, name: string, how: { code?: Code; confirmable?: boolean; payload?: string } = {}): void => {
      const observation = observations[index];
      assert.ok(observation !== undefined, "there is no such observation");
      const settle = (outcome: NotifyOutcome): void => void outcomes.push(`${name}:${outcome}`);
      const state = { code: how.code ?? "2.05", payload: how.payload ?? name } as const;
      run(endpoint.notify(observation, { state, confirmable: how.confirmable, settle }, clock));
    },
    end: (index: number): void => {
      const observation = observations[index];
      assert.ok(observation !== undefined, "there is no such observation");
      run(endpoint.endObservation(observation, clock));
    },
    gone: (peer: Peer): void => run(endpoint.forget(peer, clock)),
    close: (): void => run(endpoint.close(clock)),
  };
}
