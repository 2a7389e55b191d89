import assert from "node:assert/strict";
import { test } from "node:test";
import { OPTION, parseMessage, uint } from "../../../../../src/protocols/coap/index.js";
import { known, PEER, peerAt } from "../server/stage.js";
import { asking, GET } from "./stage.js";

const NON = { ...GET, confirmable: false };

test("RFC 7252 figure 16: a confirmable request, answered in its acknowledgement", () => {
  const { ask, receive, endpoint } = asking();
  assert.deepEqual(ask(GET), ["CON 0.01 0 01"]);
  assert.deepEqual(receive("ACK 2.05 0 01 22.3 C"), ["response", "1= 2.05 22.3 C"]);
  assert.deepEqual([endpoint.deadline, endpoint.state.requests, endpoint.state.questions], [undefined, 0, 0]);
});

test("RFC 7252 figure 17: a request that is lost is sent again", () => {
  const { ask, receive, wait } = asking();
  ask(GET);
  assert.deepEqual(wait(1999), []);
  assert.deepEqual(wait(1), ["CON 0.01 0 01"]);
  assert.deepEqual(receive("ACK 2.05 0 01 22.3 C"), ["response", "1= 2.05 22.3 C"]);
  assert.deepEqual(receive("ACK 2.05 0 01 22.3 C"), ["stray"], "the answer to the copy");
});

test("RFC 7252 figure 19: acknowledged at once, answered later, and that acknowledged", () => {
  const { ask, receive, wait } = asking();
  ask(GET);
  assert.deepEqual(receive("ACK 0.00 0"), ["acknowledged"]);
  assert.deepEqual(wait(100_000), [], "it is not sent again");
  assert.deepEqual(receive("CON 2.05 77 01 22.3 C"), ["response", "ACK 0.00 77", "1= 2.05 22.3 C"]);
  assert.deepEqual(receive("CON 2.05 77 01 22.3 C"), ["duplicate", "ACK 0.00 77"], "the acknowledgement was lost");
});

test("RFC 7252 figure 20: the answer comes before the acknowledgement, and stands for it", () => {
  const { ask, receive, wait, endpoint } = asking();
  ask(GET);
  assert.deepEqual(receive("CON 2.05 77 01 22.3 C"), ["response", "ACK 0.00 77", "1= 2.05 22.3 C"]);
  assert.deepEqual([endpoint.state.unacknowledged, wait(100_000)], [0, []]);
  assert.deepEqual(receive("ACK 0.00 0"), ["stray"]);
});

test("RFC 7252 figure 21: a non-confirmable request and its answer, which may be confirmable", () => {
  const { ask, receive, wait } = asking();
  assert.deepEqual(ask(NON), ["NON 0.01 0 01"]);
  assert.deepEqual(wait(5000), [], "it is not sent again");
  assert.deepEqual(receive("NON 2.05 9 01 22.3 C"), ["response", "1= 2.05 22.3 C"]);
  ask(NON);
  assert.deepEqual(receive("CON 2.05 10 02 22.4 C"), ["response", "ACK 0.00 10", "2= 2.05 22.4 C"]);
});

test("a request carries what was asked: path, query, formats, options, payload", () => {
  const { ask, sent } = asking();
  ask({
    method: "0.03",
    path: ["air", "ö"],
    query: ["a=1"],
    contentFormat: 50,
    accept: 60,
    payload: Buffer.from("{}"),
    options: [{ number: OPTION.uriHost, value: Buffer.from("h") }],
  });
  const parsed = parseMessage(sent[0] ?? new Uint8Array(0));
  assert.ok(parsed.ok);
  const { code, options, payload } = parsed.message;
  assert.deepEqual(
    options.map(({ number, value }) => [number, Buffer.from(value).toString("latin1")]),
    [
      [3, "h"],
      [11, "air"],
      [11, "\xc3\xb6"],
      [12, "2"],
      [15, "a=1"],
      [17, "<"],
    ],
  );
  assert.deepEqual([code, Buffer.from(payload).toString()], ["0.03", "{}"]);
});

test("a request that nobody acknowledges is sent 5 times, and given up after 93 s at most", () => {
  const { ask, wait, endpoint } = asking();
  ask(GET);
  for (const pause of [2000, 4000, 8000, 16_000]) {
    assert.deepEqual(wait(pause - 1), []);
    assert.deepEqual(wait(1), ["CON 0.01 0 01"]);
  }
  assert.deepEqual(wait(31_999), []);
  assert.deepEqual(wait(1), ["1! TIMEOUT"]);
  assert.deepEqual([endpoint.state.requests, endpoint.state.unacknowledged, endpoint.deadline], [0, 0, undefined]);
});

test("one that was acknowledged is waited for as long as its id is known, one that is non-confirmable for 93 s", () => {
  const { ask, receive, wait } = asking();
  ask(GET);
  wait(1000);
  receive("ACK 0.00 0");
  assert.deepEqual(wait(246_999), []);
  assert.deepEqual(wait(1), ["1! TIMEOUT"]);
  ask(NON);
  assert.deepEqual([...wait(92_999), ...wait(1)], ["2! TIMEOUT"]);
});

test("the caller's time counts from the call, and its end ends everything", () => {
  const { ask, wait, receive, endpoint } = asking();
  ask(GET, { timeout: 3000 });
  ask(GET, { timeout: 2500 });
  assert.deepEqual(wait(2000), ["CON 0.01 0 01"]);
  assert.deepEqual(wait(500), ["2! TIMEOUT"], "it never left the line");
  assert.deepEqual(wait(500), ["1! TIMEOUT"]);
  assert.deepEqual([endpoint.deadline, endpoint.state.questions], [undefined, 0]);
  assert.deepEqual(receive("CON 2.05 7 01 late"), ["stray", "RST 0.00 7"]);
});

test("what is aborted is not sent again, and its answer is a stranger's", () => {
  const { ask, abort, wait, receive, endpoint } = asking();
  ask(GET);
  assert.deepEqual(ask(GET), []);
  assert.deepEqual(abort(1), ["CON 0.01 1 02", "1! ABORTED"]);
  assert.deepEqual(abort(1), []);
  assert.deepEqual(receive("ACK 2.05 0 01 late"), ["stray"]);
  assert.deepEqual(abort(2), ["2! ABORTED"]);
  assert.deepEqual([wait(100_000), endpoint.deadline], [[], undefined]);
});

test("a reset ends a request: confirmable, acknowledged, or non-confirmable", () => {
  const { ask, receive } = asking();
  ask(GET);
  assert.deepEqual(receive("RST 0.00 0"), ["rejected", "1! RESET"]);
  ask(GET);
  receive("ACK 0.00 1");
  assert.deepEqual(receive("RST 0.00 1"), ["rejected", "2! RESET"]);
  ask(NON);
  assert.deepEqual(receive("RST 0.00 2"), ["rejected", "3! RESET"]);
  assert.deepEqual(receive("RST 0.00 2"), ["stray"]);
});

test("npm coap accepts it: an answer from the wrong port is a stranger's", () => {
  const { ask, receive } = asking();
  ask(GET);
  const peer = peerAt(9);
  assert.deepEqual(receive("ACK 2.05 0 01 forged", { peer }), ["stray"]);
  assert.deepEqual(receive("CON 2.05 5 01 forged", { peer }), ["stray", "9: RST 0.00 5"]);
  assert.deepEqual(receive("NON 2.05 6 01 forged", { peer }), ["stray"]);
  assert.deepEqual(receive("RST 0.00 0", { peer }), ["stray"]);
  assert.deepEqual(receive("ACK 2.05 0 01 true"), ["response", "1= 2.05 true"]);
});

test("an answer must have the token, one in an acknowledgement the id too", () => {
  const { ask, receive } = asking();
  ask(GET);
  for (const wrong of ["ACK 2.05 0 02 x", "ACK 2.05 9 01 x", "ACK 2.05 0 - x", "ACK 0.00 9", "RST 0.00 9"]) {
    assert.deepEqual(receive(wrong), ["stray"], wrong);
  }
  assert.deepEqual(receive("ACK 2.05 0 01 x", { multicast: true }), ["stray"]);
  assert.deepEqual(receive("ACK 2.05 0 01 x"), ["response", "1= 2.05 x"]);
});

test("an answer with a critical option that is unknown is rejected, and none (RFC 7252 5.4.1)", () => {
  const { ask, receive, wait } = asking();
  const options = [{ number: 9, value: new Uint8Array(1) }];
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 0 01 x", { options }), ["bad_option", "1! OPTION"]);
  ask(GET);
  receive("ACK 0.00 1");
  assert.deepEqual(receive("CON 2.05 7 02 x", { options }), ["bad_option", "RST 0.00 7", "2! OPTION"]);
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 2 03 x", { options: [{ number: 2048, value: new Uint8Array(1) }] }), [
    "response",
    "3= 2.05 x",
  ]);
  assert.deepEqual(wait(100_000), []);
});

test("an answer that is no message is ignored, and the right one still comes", () => {
  const { ask, receive, endpoint } = asking();
  ask(GET);
  assert.equal(endpoint.receive(Buffer.from("6145000001ff", "hex"), PEER, false, 0).outcome, "malformed");
  assert.deepEqual(receive("ACK 2.05 0 01 x"), ["response", "1= 2.05 x"]);
});

test("4.xx and 5.xx are answers; Max-Age is 60 s where the server does not say", () => {
  const { ask, receive, responses } = asking();
  ask(GET);
  assert.deepEqual(receive("ACK 4.04 0 01 no"), ["response", "1= 4.04 no"]);
  ask(GET);
  receive("ACK 5.03 1 02 max-age=7 later", { options: [uint(OPTION.contentFormat, 50)] });
  assert.deepEqual(
    responses.map(({ maxAge, contentFormat }) => [maxAge, contentFormat]),
    [
      [60, undefined],
      [7, 50],
    ],
  );
});

test("NSTART: one at a time to a peer, in order; others are not held up (RFC 7252 4.7)", () => {
  const { ask, receive } = asking();
  assert.deepEqual(ask(GET), ["CON 0.01 0 01"]);
  assert.deepEqual(ask(GET), []);
  assert.deepEqual(ask(GET), []);
  assert.deepEqual(ask(GET, {}, peerAt(9)), ["9: CON 0.01 0 04"]);
  assert.deepEqual(receive("NON 2.05 7 02 early"), ["stray"], "nobody was asked that yet");
  assert.deepEqual(receive("ACK 2.05 0 01 a"), ["response", "1= 2.05 a", "CON 0.01 1 02"]);
  assert.deepEqual(receive("ACK 0.00 1"), ["acknowledged", "CON 0.01 2 03"], "an acknowledged one holds up nobody");
  assert.deepEqual(receive("NON 2.05 8 02 b"), ["response", "2= 2.05 b"]);
  assert.deepEqual(receive("ACK 2.05 2 03 c"), ["response", "3= 2.05 c"]);
});

test("NSTART may be more; a non-confirmable request without an answer holds the others up for 3 s", () => {
  const two = asking({ nstart: 2 });
  assert.deepEqual([...two.ask(GET), ...two.ask(GET), ...two.ask(GET)], ["CON 0.01 0 01", "CON 0.01 1 02"]);
  const { ask, wait, receive } = asking();
  ask(NON);
  ask(NON);
  assert.deepEqual(wait(2999), []);
  assert.deepEqual(wait(1), ["NON 0.01 1 02"]);
  assert.deepEqual(receive("NON 2.05 5 01 still"), ["response", "1= 2.05 still"]);
});

test("what waits is bounded, in line to a peer and in all", () => {
  const { ask, receive, endpoint } = asking({ maxWaiting: 2, maxRequests: 4 });
  for (let count = 0; count < 3; count++) ask(GET);
  assert.deepEqual(ask(GET), ["4! BUSY"]);
  assert.equal(ask(GET, {}, peerAt(9)).length, 1);
  assert.deepEqual(ask(GET, {}, peerAt(10)), ["6! BUSY"]);
  assert.equal(endpoint.state.requests, 4);
  receive("ACK 2.05 0 01 a");
  assert.equal(ask(GET, {}, peerAt(10)).length, 1);
});

test("what cannot be said in CoAP is INVALID, and nothing is sent", () => {
  const { ask } = asking();
  const long = "x".repeat(256);
  for (const request of [
    { ...GET, path: [long] },
    { ...GET, query: [long] },
    { ...GET, method: "2.05" as const },
    { ...GET, method: "0.00" as const },
    { ...GET, contentFormat: 65_536 },
    { ...GET, accept: -1 },
    { ...GET, options: [uint(OPTION.observe, 0)] },
    { ...GET, options: [{ number: 70_000, value: new Uint8Array(0) }] },
    { ...GET, options: [{ number: 2049, value: new Uint8Array(2000) }] },
    { ...GET, payload: new Uint8Array(2 ** 24 + 1) },
  ]) {
    assert.match(ask(request).join(), /^\d+! INVALID$/);
  }
});

test("a peer that is gone, and a close, end what waits; the peers beside are not touched", () => {
  const { ask, gone, close, endpoint, receive } = asking();
  ask(GET);
  ask(GET);
  ask(GET, {}, peerAt(9));
  assert.deepEqual(gone(), ["1! GONE", "2! GONE"]);
  assert.deepEqual([endpoint.state.requests, endpoint.state.unacknowledged], [1, 1]);
  assert.deepEqual(receive("ACK 2.05 0 01 late"), ["stray"]);
  assert.deepEqual(close(), ["3! CLOSED"]);
  assert.deepEqual([endpoint.state.requests, endpoint.state.questions, endpoint.deadline], [0, 0, undefined]);
});

test("ping: answered by a reset, sent again, given up; in line like all", () => {
  const { ping, ask, receive, wait } = asking();
  assert.deepEqual(ping(), ["CON 0.00 0"]);
  assert.deepEqual(ask(GET), []);
  assert.deepEqual(wait(2000), ["CON 0.00 0"]);
  assert.deepEqual(receive("RST 0.00 0"), ["pong", "1= pong", "CON 0.01 1 01"]);
  receive("ACK 2.05 1 01");
  ping({ timeout: 500 });
  assert.deepEqual(wait(500), ["3! TIMEOUT"]);
  ping();
  for (const pause of [2000, 4000, 8000, 16_000]) wait(pause);
  assert.deepEqual(wait(32_000), ["4! TIMEOUT"]);
});

test("tokens are of 8 bytes that nobody can guess, of 4 where the peer proved who it is", () => {
  const { endpoint } = asking();
  const sizes: number[] = [];
  const asks = asking({
    randomBytes: (size) => {
      sizes.push(size);
      return new Uint8Array(size).fill(sizes.length);
    },
  });
  asks.ask(GET);
  asks.ask(GET, {}, known(peerAt(9)));
  assert.deepEqual(sizes, [8, 4]);
  assert.equal(endpoint.state.requests, 0);
});

test("two requests that wait never have one token", () => {
  const tokens = [1, 1, 1, 2];
  const { ask } = asking({ nstart: 2, randomBytes: () => Uint8Array.of(tokens.shift() ?? 9) });
  assert.deepEqual([...ask(GET), ...ask(GET)], ["CON 0.01 0 01", "CON 0.01 1 02"]);
});

test("65536 messages in a lifetime are all there are to one peer: more are BUSY, not mistaken", () => {
  let tokens = 0;
  const randomBytes = (): Uint8Array => Uint8Array.of(tokens >> 16, tokens >> 8, tokens++);
  const { ask, wait } = asking({ nstart: 70_000, maxRequests: 70_000, randomBytes });
  let sent = 0;
  while (ask(NON)[0]?.startsWith("NON") === true) sent++;
  assert.equal(sent, 65_536);
  assert.equal(wait(247_000).filter((line) => line.endsWith("TIMEOUT")).length, 65_536);
  assert.match(ask(NON)[0] ?? "", /^NON 0.01 0 /);
});
