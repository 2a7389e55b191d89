import assert from "node:assert/strict";
import { test } from "node:test";
import { Echoes } from "../../../../../src/protocols/coap/client/echoes.js";
import {
  CoapEndpoint,
  type CoapResponse,
  type Effect,
  type IncomingResponse,
  OPTION,
  type OutgoingRequest,
} from "../../../../../src/protocols/coap/index.js";
import { known, PEER, peerAt, read } from "../server/stage.js";
import { asking, GET } from "./stage.js";

const SERVER = peerAt(5683);

/** The Echo value of a request, in hexadecimal. */
function echoed(bytes: Uint8Array | undefined): string | undefined {
  const found = read(bytes).options.find(({ number }) => number === OPTION.echo);
  return found && Buffer.from(found.value).toString("hex");
}

test("an Echo of an answer goes with the next request to that server, once, and to no other (RFC 9175 2.3)", () => {
  const { ask, receive, sent } = asking();
  ask(GET);
  receive("ACK 2.05 0 01 echo=aabb first");
  ask(GET, {}, SERVER);
  ask(GET);
  receive("ACK 2.05 1 03 second");
  ask(GET);
  assert.deepEqual(sent.map(echoed), [undefined, undefined, "aabb", undefined]);
});

test("of two the newer one goes, and a challenge is answered with its own", () => {
  const { ask, receive, sent } = asking();
  ask(GET);
  receive("ACK 2.05 0 01 echo=aa first");
  ask(GET);
  receive("ACK 4.01 1 02 echo=bb");
  receive("ACK 2.05 2 03 echo=cc block2=0/1/1024 *1024");
  receive("ACK 2.05 3 04 block2=1/0/1024 *10");
  assert.deepEqual(sent.map(echoed), [undefined, "aa", "bb", "cc"]);
});

test("what is no Echo value is none, and a session that ended takes its own along", () => {
  const { ask, receive, sent, gone } = asking();
  const tooLong = { options: [{ number: OPTION.echo, value: new Uint8Array(41) }] };
  ask(GET);
  receive("ACK 2.05 0 01 first", tooLong);
  ask(GET);
  receive("ACK 2.05 1 02 echo=aa second");
  gone();
  ask(GET);
  assert.deepEqual(sent.map(echoed), [undefined, undefined, undefined]);
});

test("the Echo values that are kept are bounded, the oldest go first", () => {
  const echoes = new Echoes(2);
  for (const port of [1, 2, 1, 3]) echoes.hear(peerAt(port), [{ number: OPTION.echo, value: Uint8Array.of(port) }]);
  assert.equal(echoes.size, 2);
  const added = [1, 2, 3].map((port) => echoes.addTo(peerAt(port), []).length);
  assert.deepEqual(added, [1, 0, 1]);
  assert.equal(echoes.size, 0);
});

test("small blocks with an Echo are asked for again as large ones, once", () => {
  const { ask, receive } = asking();
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 0 01 echo=aa size2=300 block2=0/1/64 *64"), [
    "response",
    "CON 0.01 1 02 block2=0/0/1024",
  ]);
  assert.deepEqual(receive("ACK 2.05 1 02 echo=bb size2=300 block2=0/1/64 *64"), [
    "response",
    "CON 0.01 2 03 block2=1/0/64",
  ]);
});

for (const [what, request, answer] of [
  ["of two small blocks", GET, "ACK 2.05 0 01 echo=aa size2=128 block2=0/1/64 *64"],
  ["without an Echo", GET, "ACK 2.05 0 01 size2=300 block2=0/1/64 *64"],
  ["to a POST, which is not to be done again", { ...GET, method: "0.02" }, "ACK 2.04 0 01 echo=aa block2=0/1/64 *64"],
] as const satisfies readonly (readonly [string, OutgoingRequest, string])[]) {
  test(`an answer ${what} is fetched as it began`, () => {
    const { ask, receive } = asking();
    ask(request);
    assert.deepEqual(receive(answer).at(-1), `CON ${request.method} 1 02 block2=1/0/64`);
  });
}

test("the first block of an observed state is not asked for again: it may be another one by then", () => {
  const { observe, receive } = asking();
  observe();
  const [, next] = receive("ACK 2.05 0 01 observe=1 echo=aa size2=300 block2=0/1/64 *64");
  assert.equal(next, "CON 0.01 1 02 block2=1/0/64");
});

/** What a request to an endpoint that answers so takes: messages to it, and the answer. */
function exchange(answer: CoapResponse, request: OutgoingRequest, peer = PEER) {
  const [client, server] = [new CoapEndpoint({ maxAnswer: 200_000 }), new CoapEndpoint({ maxBody: 200_000 })];
  const settled: unknown[] = [];
  let messages = 0;
  const queue: (readonly [CoapEndpoint, Effect])[] = [];
  const all = (of: CoapEndpoint, effects: readonly Effect[]): void => {
    for (const effect of effects) queue.push([of, effect]);
  };
  all(client, client.client.request(SERVER, request, {}, 0).effects);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [from, effect] = next;
    if (effect.kind === "request") all(from, from.respond(effect.exchange, answer, 0));
    if (effect.kind === "settled") settled.push(effect.result);
    if (effect.kind !== "send") continue;
    if (from === client) messages++;
    all(...(from === client ? heard(server, effect.bytes, peer) : heard(client, effect.bytes, SERVER)));
  }
  return { messages, settled: settled as IncomingResponse[], server };
}

function heard(by: CoapEndpoint, bytes: Uint8Array, from: typeof PEER): [CoapEndpoint, readonly Effect[]] {
  return [by, by.receive(bytes, from, false, 0).effects];
}

const LARGE: CoapResponse = { code: "2.05", payload: new Uint8Array(100_000).fill(0x2a) };

test("100 kB from a server of ours that never saw us take one message more than from one that knows us", () => {
  const blocks = Math.ceil(100_000 / 1024);
  const stranger = exchange(LARGE, GET);
  assert.equal(stranger.messages, blocks + 1);
  assert.deepEqual(Buffer.from(stranger.settled[0]?.payload ?? []), Buffer.from(LARGE.payload ?? []));
  assert.equal(stranger.server.state.proved, 1);
  assert.equal(exchange(LARGE, GET, known(PEER)).messages, blocks);
  const fetch = exchange(LARGE, { method: "0.05", path: ["t"], payload: Buffer.from("all") });
  assert.deepEqual([fetch.messages, fetch.settled[0]?.payload.length], [blocks + 1, 100_000]);
});

test("a POST of ours that is answered at length is done once", () => {
  const { messages, settled } = exchange({ ...LARGE, code: "2.04" }, { method: "0.02", path: ["t"] });
  assert.deepEqual([messages, settled[0]?.payload.length], [Math.ceil(100_000 / 64), 100_000]);
});
