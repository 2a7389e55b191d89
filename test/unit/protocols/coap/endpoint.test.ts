import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CoapEndpoint,
  type Effect,
  type Exchange,
  encodeMessage,
  type Message,
  OPTION,
  type Outcome,
  parseMessage,
  type EndpointOptions,
  uint,
} from "../../../../src/protocols/coap/index.js";
import { block, blockOption, uintOption } from "../../../../src/protocols/coap/options.js";
import type { Peer } from "../../../../src/protocols/datagram/index.js";

const PEER: Peer = { id: "192.0.2.1:5000", address: "192.0.2.1", port: 5000 };
const EMPTY = new Uint8Array(0);

function message(parts: Partial<Message> = {}): Uint8Array {
  return encodeMessage({
    type: "CON",
    code: "0.02",
    messageId: 7,
    token: Uint8Array.of(0x53),
    options: [],
    payload: EMPTY,
    ...parts,
  });
}
const path = (...segments: string[]) =>
  segments.map((segment) => ({ number: OPTION.uriPath, value: Buffer.from(segment) }));

/** A server with a clock that stands still unless told otherwise. */
function bench(options: EndpointOptions = {}) {
  const server = new CoapEndpoint({ random: () => 0, ...options });
  let clock = 0;
  const exchanges: Exchange[] = [];
  const sent = (effects: readonly Effect[]): string[] => {
    const lines: string[] = [];
    for (const effect of effects) {
      if (effect.kind === "request") exchanges.push(effect.exchange);
      else if (effect.kind === "send") lines.push(line(effect.bytes));
    }
    return lines;
  };
  return {
    server,
    exchanges,
    wait: (ms: number): string[] => {
      clock += ms;
      return sent(server.tick(clock));
    },
    receive: (bytes: Uint8Array, { peer = PEER, multicast = false } = {}): [Outcome, ...string[]] => {
      const { outcome, effects } = server.receive(bytes, peer, multicast, clock);
      return [outcome, ...sent(effects)];
    },
    respond: (code: "2.04" | "4.00" | "2.05" = "2.04", payload = "", index = -1): string[] => {
      const exchange = exchanges.at(index);
      assert.ok(exchange !== undefined);
      return sent(server.respond(exchange, { code, payload }, clock));
    },
  };
}

/** `ACK 2.04 7 53 payload`: type, code, id, token and what else there is. */
function line(bytes: Uint8Array): string {
  const parsed = parseMessage(bytes);
  assert.ok(parsed.ok);
  const { type, code, messageId, token, payload } = parsed.message;
  return [type, code, messageId, Buffer.from(token).toString("hex"), Buffer.from(payload).toString()]
    .filter((part) => part !== "")
    .join(" ");
}

test("a confirmable request is answered in its acknowledgement", () => {
  const { receive, respond, server } = bench();
  assert.deepEqual(receive(message({ options: path("air", "t"), payload: Buffer.from("21.5") })), ["request"]);
  assert.deepEqual(respond(), ["ACK 2.04 7 53"]);
  assert.deepEqual(respond(), [], "only once");
  assert.equal(server.state.pending, 0);
});

test("a request is delivered with its path, formats and payload", () => {
  const server = new CoapEndpoint();
  const options = [
    ...path("air", "t"),
    uint(OPTION.contentFormat, 50),
    { number: OPTION.uriQuery, value: Buffer.from("a=1") },
  ];
  const { effects } = server.receive(
    message({ type: "NON", code: "0.03", options, payload: Buffer.from("1") }),
    PEER,
    false,
    0,
  );
  const [effect] = effects;
  assert.ok(effect?.kind === "request");
  const { request } = effect;
  assert.deepEqual(
    [request.method, request.confirmable, request.path, request.query, request.contentFormat, request.accept],
    ["0.03", false, ["air", "t"], ["a=1"], 50, undefined],
  );
  assert.equal(Buffer.from(request.payload).toString(), "1");
});

test("a non-confirmable request is answered by a message of its own, with an id that differs for each request", () => {
  const { receive, respond } = bench({ random: () => 0.5 });
  receive(message({ type: "NON" }));
  assert.deepEqual(respond(), ["NON 2.04 32768 53"]);
  receive(message({ type: "NON", messageId: 0xffff }));
  assert.deepEqual(respond(), ["NON 2.04 32769 53"]);
});

test("a duplicate is answered as before, without a second delivery (RFC 7252 4.5)", () => {
  const { receive, respond, exchanges } = bench();
  receive(message());
  assert.deepEqual(receive(message()), ["duplicate"], "no answer yet: the acknowledgement will come");
  respond("4.00", "bad");
  assert.deepEqual(receive(message()), ["duplicate", "ACK 4.00 7 53 bad"]);
  assert.equal(exchanges.length, 1);
});

test("a duplicate is one only from the same endpoint, with the same id, within the lifetime", () => {
  const { receive, respond, wait } = bench();
  receive(message());
  respond();
  const other: Peer = { id: "192.0.2.1:5001", address: "192.0.2.1", port: 5001 };
  assert.equal(receive(message(), { peer: other })[0], "request");
  respond();
  assert.equal(receive(message({ messageId: 8 }))[0], "request");
  respond();
  wait(246_999);
  assert.equal(receive(message())[0], "duplicate");
  wait(1);
  assert.equal(receive(message())[0], "request");
});

test("a duplicate of a non-confirmable request is ignored, for 145 s", () => {
  const { receive, respond, wait } = bench();
  receive(message({ type: "NON" }));
  respond();
  wait(144_999);
  assert.deepEqual(receive(message({ type: "NON" })), ["duplicate"]);
  wait(1);
  assert.deepEqual(receive(message({ type: "NON" })), ["request"]);
});

test("RFC 7252 figure 20: a slow response is sent separately, and acknowledged", () => {
  const { receive, respond, wait, server } = bench({ random: () => 0.25 });
  receive(message({ code: "0.01", messageId: 0x7d38 }));
  assert.equal(server.deadline, 1000);
  assert.deepEqual(wait(999), []);
  assert.deepEqual(wait(1), [`ACK 0.00 ${0x7d38}`]);
  assert.deepEqual(receive(message({ code: "0.01", messageId: 0x7d38 })), ["duplicate", `ACK 0.00 ${0x7d38}`]);
  const own = 0x4000;
  assert.deepEqual(respond("2.05", "22.3 C"), [`CON 2.05 ${own} 53 22.3 C`]);
  assert.deepEqual(receive(message({ type: "ACK", code: "0.00", token: EMPTY, messageId: own })), ["acknowledged"]);
  assert.deepEqual([server.state.unacknowledged, server.deadline], [0, undefined]);
  assert.deepEqual(receive(message({ type: "ACK", code: "0.00", token: EMPTY, messageId: own })), ["stray"]);
});

test("a separate response is sent again 4 times, each time twice as late, and then given up (RFC 7252 4.2)", () => {
  const { receive, respond, wait, server } = bench();
  receive(message());
  wait(1000);
  assert.deepEqual(respond(), ["CON 2.04 0 53"]);
  for (const pause of [2000, 4000, 8000, 16_000]) {
    assert.deepEqual(wait(pause - 1), []);
    assert.deepEqual(wait(1), ["CON 2.04 0 53"]);
  }
  assert.deepEqual(wait(31_999), []);
  assert.deepEqual(wait(1), []);
  assert.deepEqual([server.state.unacknowledged, server.state.lost, server.deadline], [0, 1, undefined]);
});

test("the first time-out is up to 1.5 times as long, by chance", () => {
  const { receive, respond, wait, server } = bench({ random: () => 0.999 });
  receive(message());
  wait(1000);
  respond();
  assert.equal(server.deadline, 1000 + 2000 * (1 + 0.999 * 0.5));
});

test("a reset, or an acknowledgement from elsewhere, is told apart", () => {
  const { receive, respond, wait, server } = bench();
  receive(message());
  wait(1000);
  respond();
  const elsewhere: Peer = { id: "192.0.2.1:9", address: "192.0.2.1", port: 9 };
  const reset = message({ type: "RST", code: "0.00", token: EMPTY, messageId: 0 });
  assert.deepEqual(receive(reset, { peer: elsewhere }), ["stray"]);
  assert.equal(server.state.unacknowledged, 1);
  assert.deepEqual(receive(reset), ["rejected"]);
  assert.equal(server.state.unacknowledged, 0);
});

test("ping: an empty confirmable message is reset, an empty non-confirmable one ignored (RFC 7252 4.3)", () => {
  const { receive } = bench();
  assert.deepEqual(receive(message({ code: "0.00", token: EMPTY })), ["ping", "RST 0.00 7"]);
  assert.deepEqual(receive(message({ code: "0.00", token: EMPTY, type: "NON" })), ["stray"]);
});

for (const [what, bytes, expected] of [
  ["a response that is confirmable", message({ code: "2.05" }), ["stray", "RST 0.00 7"]],
  ["a response that is not", message({ code: "2.05", type: "NON" }), ["stray"]],
  ["a response in an acknowledgement", message({ code: "2.05", type: "ACK" }), ["stray"]],
  ["a request in an acknowledgement", message({ type: "ACK" }), ["stray"]],
  ["a request in a reset", message({ type: "RST" }), ["stray"]],
  ["a malformed confirmable message", Buffer.from("40010007ff", "hex"), ["malformed", "RST 0.00 7"]],
  ["a malformed non-confirmable message", Buffer.from("50010007ff", "hex"), ["malformed"]],
  ["a malformed acknowledgement", Buffer.from("60010007ff", "hex"), ["malformed"]],
  ["token length 9", Buffer.from("49010007000000000000000000", "hex"), ["malformed", "RST 0.00 7"]],
  ["three bytes", Buffer.from("400100", "hex"), ["malformed"]],
  ["version 2", Buffer.from("80010007", "hex"), ["version"]],
] as const) {
  test(`${what} ends as ${expected.join(", ")}`, () => assert.deepEqual(bench().receive(bytes), expected));
}

test("source port 0 is dropped: no answer reaches it", () => {
  const peer: Peer = { id: "192.0.2.1:0", address: "192.0.2.1", port: 0 };
  assert.deepEqual(bench().receive(message(), { peer }), ["port_zero"]);
});

test("a critical option that is unknown is 4.02, in silence if not confirmable (RFC 7252 5.4.1)", () => {
  const { receive, exchanges } = bench();
  const options = [{ number: 9, value: EMPTY }];
  assert.deepEqual(receive(message({ options })), [
    "bad_option",
    "ACK 4.02 7 53 option 9 is not understood, or is malformed",
  ]);
  assert.deepEqual(receive(message({ options, type: "NON" })), ["bad_option"]);
  assert.deepEqual(receive(message({ options: [{ number: OPTION.proxyUri, value: Buffer.from("coap://a") }] })), [
    "bad_option",
    "ACK 5.05 7 53 this is no proxy",
  ]);
  assert.equal(exchanges.length, 0);
});

test("an elective option that is unknown is ignored", () => {
  assert.deepEqual(bench().receive(message({ options: [{ number: 2048, value: EMPTY }] })), ["request"]);
});

test("to a group: no confirmable messages, no resets, no errors (RFC 7252 8.1, 8.2)", () => {
  const { receive, respond, wait } = bench();
  const multicast = true;
  assert.deepEqual(receive(message(), { multicast }), ["multicast"]);
  assert.deepEqual(receive(Buffer.from("40010007ff", "hex"), { multicast }), ["malformed"]);
  assert.deepEqual(receive(message({ code: "0.00", token: EMPTY }), { multicast }), ["multicast"]);
  assert.deepEqual(receive(message({ type: "NON" }), { multicast }), ["request"]);
  assert.deepEqual(respond("4.00", "no"), []);
  assert.deepEqual(receive(message({ type: "NON", messageId: 8 }), { multicast }), ["request"]);
  assert.deepEqual(respond("2.05", "yes"), []);
  assert.deepEqual(wait(0), ["NON 2.05 0 53 yes"]);
});

test("more requests than may wait are 5.03 with Max-Age, and not remembered", () => {
  const { receive, respond, server } = bench({ maxPending: 1 });
  receive(message());
  assert.deepEqual(receive(message({ messageId: 8 })), ["overload", "ACK 5.03 8 53 too many requests"]);
  const effect = server.receive(message({ messageId: 9 }), PEER, false, 0).effects[0];
  assert.ok(effect?.kind === "send");
  const parsed = parseMessage(effect.bytes);
  assert.equal(parsed.ok && uintOption(parsed.message.options, OPTION.maxAge), 5);
  respond();
  assert.deepEqual(receive(message({ messageId: 8 })), ["request"]);
});

test("a body in blocks is one request, whatever the tokens (RFC 7959 2.5)", () => {
  const { receive, respond, exchanges } = bench();
  const part = (num: number, more: boolean, payload: string): Uint8Array =>
    message({
      messageId: 100 + num,
      token: Uint8Array.of(num),
      options: [...path("air"), block(OPTION.block1, { num, more, szx: 0 })],
      payload: Buffer.from(payload),
    });
  assert.deepEqual(receive(part(0, true, "0123456789abcdef")), ["block", "ACK 2.31 100 00"]);
  assert.deepEqual(receive(part(0, true, "0123456789abcdef")), ["duplicate", "ACK 2.31 100 00"], "a lost answer");
  assert.deepEqual(receive(part(1, true, "0123456789abcdef")), ["block", "ACK 2.31 101 01"]);
  assert.equal(exchanges.length, 0);
  assert.deepEqual(receive(part(2, false, "end")), ["request"]);
  assert.deepEqual(respond(), ["ACK 2.04 102 02"]);
  assert.deepEqual(receive(part(3, false, "x")), [
    "block_incomplete",
    "ACK 4.08 103 03 the block is not the next one: begin again with block 0",
  ]);
});

test("the answer to a block names the block", () => {
  const server = new CoapEndpoint();
  const asked = { num: 0, more: true, szx: 0 };
  const bytes = message({ options: [block(OPTION.block1, asked)], payload: new Uint8Array(16) });
  const [effect] = server.receive(bytes, PEER, false, 0).effects;
  assert.ok(effect?.kind === "send");
  const parsed = parseMessage(effect.bytes);
  assert.deepEqual(parsed.ok && blockOption(parsed.message.options, OPTION.block1), asked);
});

test("a body beyond the bound is 4.13 with Size1, in one piece or in blocks", () => {
  const { server } = bench({ maxBody: 20 });
  const inOne = message({ payload: new Uint8Array(21) });
  const inBlocks = message({
    messageId: 8,
    options: [block(OPTION.block1, { num: 1, more: false, szx: 0 })],
    payload: new Uint8Array(5),
  });
  for (const bytes of [inOne, inBlocks]) {
    const { outcome, effects } = server.receive(bytes, PEER, false, 0);
    assert.equal(outcome, "too_large");
    const [effect] = effects;
    assert.ok(effect?.kind === "send");
    const parsed = parseMessage(effect.bytes);
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.message.code, uintOption(parsed.message.options, OPTION.size1)], ["4.13", 20]);
  }
});

test("a large answer to a GET comes in blocks", () => {
  const { receive, exchanges, server } = bench({ echo: "off" });
  const ask = (messageId: number, num: number): Message => {
    receive(message({ code: "0.01", messageId, options: [block(OPTION.block2, { num, more: false, szx: 6 })] }));
    const exchange = exchanges.at(-1);
    assert.ok(exchange !== undefined);
    const [effect] = server.respond(exchange, { code: "2.05", payload: "x".repeat(1500) }, 0);
    assert.ok(effect?.kind === "send");
    const parsed = parseMessage(effect.bytes);
    assert.ok(parsed.ok);
    return parsed.message;
  };
  assert.deepEqual([ask(1, 0).payload.length, ask(2, 1).payload.length, ask(3, 2).code], [1024, 476, "4.00"]);
});

test("what is remembered is bounded, and forgotten duplicates are new", () => {
  const { receive, respond, server } = bench({ maxRemembered: 10, maxRememberedBytes: 1000 });
  for (let messageId = 0; messageId < 1000; messageId++) {
    receive(message({ messageId }));
    respond("4.00", "x".repeat(200));
    assert.ok(server.state.remembered <= 10 && server.state.rememberedBytes <= 1000);
  }
  assert.deepEqual(receive(message({ messageId: 999 }))[0], "duplicate");
  assert.deepEqual(receive(message({ messageId: 0 }))[0], "request");
});

test("each datagram is counted once", () => {
  const { receive, server } = bench();
  for (const bytes of [
    message(),
    message(),
    message({ code: "0.00", token: EMPTY }),
    Buffer.from("00"),
    message({ messageId: 9 }),
  ])
    receive(bytes);
  const counted = Object.entries(server.counters).filter(([, count]) => count > 0);
  assert.deepEqual(Object.fromEntries(counted), { request: 2, duplicate: 1, ping: 1, malformed: 1 });
});

test("a peer that is gone: its requests are answered to nobody, and nothing of it is sent again", () => {
  const { receive, respond, wait, server } = bench();
  receive(message());
  wait(1000);
  respond();
  receive(message({ messageId: 8 }));
  assert.deepEqual([server.state.pending, server.state.unacknowledged], [1, 1]);
  assert.deepEqual(server.forget(PEER, 1000), []);
  assert.deepEqual([server.state.pending, server.state.unacknowledged, server.deadline], [0, 0, undefined]);
  assert.deepEqual(respond(), []);
});
