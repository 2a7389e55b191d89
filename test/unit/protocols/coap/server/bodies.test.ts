import assert from "node:assert/strict";
import { test } from "node:test";
import { cacheKey } from "../../../../../src/protocols/coap/cache-key.js";
import {
  type CoapRequest,
  type CoapResponse,
  OPTION,
  type Option,
  uint,
} from "../../../../../src/protocols/coap/index.js";
import { block } from "../../../../../src/protocols/coap/options.js";
import { Answers } from "../../../../../src/protocols/coap/server/answers.js";
import { known, message, PEER, path, peerAt, read, stage } from "./stage.js";

const DEVICE = known(PEER);
const of = (size: number): Uint8Array => new Uint8Array(size).fill(0x78);
const block1 = (num: number, more: boolean, szx: number): Option => block(OPTION.block1, { num, more, szx });
const block2 = (num: number, szx: number): Option => block(OPTION.block2, { num, more: false, szx });
const tag = (value: number): Option => ({ number: OPTION.requestTag, value: Uint8Array.of(value) });

test("RFC 7959 3.3, figure 11: a POST whose body and whose answer come in blocks is done once", () => {
  const to = stage({}, ({ payload }) => ({ code: "2.04", payload: of(payload.length) }));
  const post = (messageId: number, options: readonly Option[], size: number): string[] => {
    to.receive(message({ code: "0.02", messageId, options: [...path("soap"), ...options], payload: of(size) }), {
      peer: DEVICE,
    });
    return to.lines();
  };
  assert.deepEqual(post(1234, [block1(0, true, 3)], 128), ["ACK 2.31 1234 4a block1=0/1/128"]);
  assert.deepEqual(post(1235, [block1(1, true, 3)], 128), ["ACK 2.31 1235 4a block1=1/1/128"]);
  // The client asks for a smaller block of the answer with the last one of its body (figure 13).
  assert.deepEqual(post(1236, [block1(2, false, 3), block2(0, 2)], 44), [
    "ACK 2.04 1236 4a block1=2/0/128 block2=0/1/64 64 B",
  ]);
  assert.deepEqual(post(1237, [block2(1, 2)], 0), ["ACK 2.04 1237 4a block2=1/1/64 64 B"]);
  assert.deepEqual(post(1237, [block2(1, 2)], 0), ["ACK 2.04 1237 4a block2=1/1/64 64 B"], "a lost answer");
  assert.deepEqual(post(1238, [block2(2, 2)], 0), ["ACK 2.04 1238 4a block2=2/1/64 64 B"]);
  assert.equal(to.endpoint.state.answers, 1);
  assert.deepEqual(post(1239, [block2(4, 2)], 0), ["ACK 2.04 1239 4a block2=4/0/64 44 B"]);
  assert.deepEqual([to.requests.length, to.requests[0]?.payload.length], [1, 300]);
  assert.deepEqual([to.endpoint.state.answers, to.endpoint.state.answerBytes], [0, 0], "the last block ends it");
  assert.match(post(1240, [block2(3, 2)], 0)[0] ?? "", /^ACK 4\.08 1240/);
});

test("RFC 7959 2.4: each block of a GET is made anew, so that nothing is kept for it", () => {
  const to = stage({}, () => ({ code: "2.05", payload: of(200) }));
  for (let num = 0; num < 4; num++)
    to.receive(message({ messageId: num, options: [block2(num, 2)] }), { peer: DEVICE });
  assert.deepEqual([to.requests.length, to.endpoint.state.answers], [4, 0]);
});

test("the ETag of a large answer is the handler's own if it gives one", () => {
  const etag = { number: OPTION.etag, value: Uint8Array.of(1, 2, 3) };
  for (const options of [[etag], []]) {
    const to = stage({}, () => ({ code: "2.05", options, payload: of(2000) }));
    to.receive(message(), { peer: DEVICE });
    const found = read(to.datagrams()[0]).options.filter(({ number }) => number === OPTION.etag);
    assert.deepEqual(
      found.map(({ value }) => value.length),
      [options.length === 1 ? 3 : 4],
    );
  }
});

test("FETCH in blocks: with its body again it is done again, without it is answered from what was kept (RFC 8132 2)", () => {
  const to = stage({}, ({ payload }) => ({ code: "2.05", payload: of(payload.length * 50) }));
  const fetch = (messageId: number, options: readonly Option[], size: number): string[] => {
    to.receive(message({ code: "0.05", messageId, options, payload: of(size) }), { peer: DEVICE });
    return to.lines();
  };
  assert.deepEqual(fetch(1, [block2(0, 2)], 2), ["ACK 2.05 1 4a block2=0/1/64 64 B"]);
  assert.deepEqual(fetch(2, [block2(1, 2)], 2), ["ACK 2.05 2 4a block2=1/0/64 36 B"]);
  assert.equal(to.requests.length, 2);
  assert.deepEqual(fetch(3, [block2(1, 2)], 0), ["ACK 2.05 3 4a block2=1/0/64 36 B"]);
  assert.equal(to.requests.length, 2);
});

test("PATCH and iPATCH reach the handler as they are (RFC 8132 3)", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  to.receive(message({ code: "0.06", messageId: 1, payload: of(1) }));
  to.receive(message({ code: "0.07", messageId: 2, payload: of(1) }));
  assert.deepEqual(
    [to.requests.map(({ method }) => method), to.lines()],
    [
      ["0.06", "0.07"],
      ["ACK 2.04 1 4a", "ACK 2.04 2 4a"],
    ],
  );
});

test("two bodies to one resource at a time are told apart by their Request-Tags (RFC 9175 3.3)", () => {
  const bodies: string[] = [];
  const to = stage({}, ({ payload }: CoapRequest) => {
    bodies.push(Buffer.from(payload).toString());
    return { code: "2.04" };
  });
  const put = (messageId: number, num: number, more: boolean, text: string, options: readonly Option[]): void => {
    const parts = {
      code: "0.03",
      messageId,
      options: [block1(num, more, 0), ...options],
      payload: Buffer.from(text),
    } as const;
    to.receive(message(parts), { peer: DEVICE });
  };
  put(1, 0, true, "a".repeat(16), [tag(1)]);
  put(2, 0, true, "b".repeat(16), [tag(2)]);
  put(3, 0, true, "c".repeat(16), []);
  put(4, 1, false, "a", [tag(1)]);
  put(5, 1, false, "c", []);
  put(6, 1, false, "b", [tag(2)]);
  assert.deepEqual(bodies, ["a".repeat(17), "c".repeat(17), "b".repeat(17)]);
});

test("what may differ between the blocks of one body does not take them apart", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  const put = (messageId: number, num: number, more: boolean, options: readonly Option[]): string =>
    to.receive(
      message({
        code: "0.03",
        messageId,
        token: Uint8Array.of(num),
        options: [block1(num, more, 0), ...options],
        payload: of(16),
      }),
    );
  const [echo, none] = [{ number: OPTION.echo, value: of(8) }, uint(OPTION.noResponse, 2)];
  assert.equal(put(1, 0, true, [uint(OPTION.size1, 32)]), "block");
  assert.equal(put(2, 1, false, [echo, none, block2(0, 6)]), "request");
  assert.equal(put(3, 0, true, path("a")), "block");
  assert.equal(put(4, 1, false, path("a", "b")), "block_incomplete");
});

test("If-Match and If-None-Match are refused: who does not look at a condition must not act (RFC 7252 5.4.1, 5.10.8)", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  for (const number of [OPTION.ifMatch, OPTION.ifNoneMatch]) {
    assert.equal(
      to.receive(message({ messageId: number, options: [{ number, value: new Uint8Array(0) }] })),
      "bad_option",
    );
  }
  assert.equal(to.requests.length, 0);
});

test("a Cache-Key has the method and the options that count, and none can pass for another", () => {
  const key = (options: readonly Option[]) => cacheKey("0.01", options);
  assert.equal(key([uint(OPTION.observe, 0), ...path("a"), block2(3, 2), uint(OPTION.size2, 9)]), key(path("a")));
  assert.notEqual(key(path("a")), cacheKey("0.05", path("a")));
  assert.notEqual(key(path("a", "b")), key(path("a 11:1:b")));
  assert.notEqual(key(path("a", "b")), key(path("a 11:b")));
  assert.notEqual(key(path("a")), key([{ number: OPTION.uriQuery, value: Buffer.from("a") }]));
  assert.notEqual(key([...path("a"), uint(OPTION.accept, 50)]), key(path("a")));
});

test("the answers that are kept are bounded in number, bytes and time, and are not what the handler makes of them later", () => {
  const answers = new Answers({ maxAnswers: 2, maxBytes: 100, expiry: 1000 });
  const given = of(40);
  const answer = (payload: Uint8Array): CoapResponse & { options: []; payload: Uint8Array } => ({
    code: "2.04",
    options: [],
    payload,
  });
  answers.keep("a", answer(given), 0);
  given.fill(0);
  assert.deepEqual(answers.find("a", 999)?.payload, of(40));
  assert.equal(answers.find("a", 1000), undefined);
  answers.keep("b", answer(of(10)), 1);
  answers.keep("c", answer(of(10)), 2);
  assert.deepEqual([answers.size, answers.bytes, answers.find("a", 2)], [2, 20, undefined]);
  answers.keep("d", answer(of(95)), 3);
  assert.deepEqual([answers.size, answers.bytes], [1, 95]);
  answers.keep("e", answer(of(101)), 4);
  assert.deepEqual([answers.size, answers.find("e", 4)], [1, undefined], "larger than all that may be kept");
  answers.keep("d", answer(of(5)), 5);
  assert.deepEqual([answers.size, answers.bytes], [1, 5]);
  answers.keep("f", answer(of(5)), 2000);
  assert.deepEqual([answers.size, answers.bytes], [1, 5], "what has expired goes");
});

test("kept answers belong to who asked, and to what was asked", () => {
  const to = stage({ maxTransfers: 2 }, () => ({ code: "2.04", payload: of(200) }));
  const post = (messageId: number, num: number, target: string, peer = DEVICE): string =>
    to.receive(message({ code: "0.02", messageId, options: [...path(target), block2(num, 2)] }), { peer });
  post(1, 0, "a");
  assert.equal(post(2, 1, "b"), "block_incomplete");
  assert.equal(post(2, 1, "a", known(peerAt(5001))), "block_incomplete");
  assert.equal(post(3, 1, "a"), "block");
  post(4, 0, "b");
  post(5, 0, "c");
  assert.deepEqual([to.endpoint.state.answers, to.endpoint.state.answerBytes], [2, 400]);
  assert.equal(post(6, 2, "a"), "block_incomplete", "made room");
});
