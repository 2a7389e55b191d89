import assert from "node:assert/strict";
import { test } from "node:test";
import { CoapEndpoint, OPTION } from "../../../../../src/protocols/coap/index.js";
import { block } from "../../../../../src/protocols/coap/options.js";
import { EMPTY, message, PEER, path, peerAt, stage } from "./stage.js";

/** What ends, fools or fills the server of the npm package `coap` 1.5.0. */

test("a datagram from port 0 is dropped without an answer", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  assert.equal(to.receive(message(), { peer: peerAt(0) }), "port_zero");
  assert.deepEqual(to.datagrams(), []);
});

for (const [how, tokenOf] of [
  ["with a new token for each block, as libcoap's client has it", (num: number) => Uint8Array.of(9, num)],
  ["with one token for all, as in the figures of RFC 7959", () => Uint8Array.of(9)],
  ["without a token", () => EMPTY],
] as const) {
  test(`a body of 100,000 bytes comes whole ${how}`, () => {
    const to = stage({ maxBody: 100_000 }, () => ({ code: "2.04" }));
    const body = Uint8Array.from({ length: 100_000 }, (_, index) => index * 7);
    for (let num = 0; num * 1024 < body.length; num++) {
      const options = [...path("air"), block(OPTION.block1, { num, more: (num + 1) * 1024 < body.length, szx: 6 })];
      const payload = body.subarray(num * 1024, (num + 1) * 1024);
      to.receive(message({ code: "0.03", messageId: num, token: tokenOf(num), options, payload }));
    }
    assert.deepEqual(
      to.requests.map((request) => Buffer.compare(request.payload, body)),
      [0],
    );
  });
}

test("two clients that send bodies at a time do not mix, though their tokens are the same", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  const put = (port: number, num: number, letter: string): void => {
    const options = [...path("air"), block(OPTION.block1, { num, more: num === 0, szx: 0 })];
    const payload = Buffer.from(letter.repeat(16));
    to.receive(message({ code: "0.03", messageId: num, options, payload }), { peer: peerAt(port) });
  };
  put(1, 0, "a");
  put(2, 0, "b");
  put(1, 1, "a");
  put(2, 1, "b");
  assert.deepEqual(
    to.requests.map(({ payload }) => Buffer.from(payload).toString()),
    ["a".repeat(32), "b".repeat(32)],
  );
});

test("a critical option that nobody knows is 4.02, and reaches no handler", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  assert.equal(to.receive(message({ options: [{ number: 65_001, value: EMPTY }] })), "bad_option");
  assert.equal(to.requests.length, 0);
});

test("a ping is no request", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  assert.equal(to.reply("CON", 7), "ping");
  assert.deepEqual([to.lines(), to.requests.length], [["RST 0.00 7"], 0]);
});

test("what is malformed is reset at its sender, and nowhere else", () => {
  const endpoint = new CoapEndpoint();
  const { effects } = endpoint.receive(Buffer.from("40010007ff", "hex"), PEER, false, 0);
  assert.deepEqual(
    effects.map((effect) => effect.kind === "send" && effect.peer),
    [PEER],
  );
});

test("a legal empty Block1 option, and one that is too long", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  const put = (messageId: number, length: number): string =>
    to.receive(
      message({ code: "0.03", messageId, options: [{ number: OPTION.block1, value: new Uint8Array(length) }] }),
    );
  assert.deepEqual([put(1, 0), put(2, 4)], ["request", "bad_option"]);
});

test("answers are kept for duplicates in a bounded room, also if there is to be none", () => {
  const to = stage({ maxRemembered: 0, maxRememberedBytes: 0 }, () => ({ code: "2.05", payload: "x".repeat(100) }));
  for (let messageId = 0; messageId < 5000; messageId++) to.receive(message({ messageId }));
  assert.equal(to.endpoint.state.remembered, 1);
});
