import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CoapResponse, CONTENT_FORMAT, OPTION, uint } from "../../../../../src/protocols/coap/index.js";
import { block, blockOption, uintOption } from "../../../../../src/protocols/coap/options.js";
import { known, message, PEER, path, peerAt, read, stage } from "./stage.js";

const LIST = Buffer.from(Array.from({ length: 300 }, (_, index) => `</r${index}>;ct=50`).join(","));
const list = (): CoapResponse => ({
  code: "2.05",
  options: [uint(OPTION.contentFormat, CONTENT_FORMAT.linkFormat)],
  payload: LIST,
});
const echoOf = (bytes: Uint8Array | undefined) => read(bytes).options.find(({ number }) => number === OPTION.echo);

test("an answer to who may be anybody is at most three times the request, or 136 bytes and the token (RFC 9175 2.4)", () => {
  fc.assert(
    fc.property(
      fc.record({
        type: fc.constantFrom("CON" as const, "NON" as const),
        code: fc.constantFrom("0.01" as const, "0.02" as const, "0.05" as const),
        token: fc.uint8Array({ maxLength: 8 }),
        segments: fc.array(fc.string({ maxLength: 30 }), { maxLength: 6 }),
        payload: fc.uint8Array({ maxLength: 300 }),
        answer: fc.uint8Array({ maxLength: 3000 }),
        status: fc.constantFrom("2.05" as const, "2.04" as const, "4.00" as const, "5.00" as const),
        asked: fc.option(fc.record({ num: fc.nat(3), more: fc.constant(false), szx: fc.nat(6) }), { nil: undefined }),
      }),
      ({ type, code, token, segments, payload, answer, status, asked }) => {
        const to = stage({}, () => ({ code: status, options: [uint(OPTION.contentFormat, 42)], payload: answer }));
        const options = [...path(...segments), ...(asked === undefined ? [] : [block(OPTION.block2, asked)])];
        const request = message({ type, code, token, options, payload });
        to.receive(request);
        for (const sent of to.datagrams()) {
          assert.ok(
            sent.length <= Math.max(3 * request.length, 136 + token.length),
            `${sent.length} bytes to ${request.length}`,
          );
        }
      },
    ),
  );
});

test("a client that knows nothing of it fetches the whole all the same, in small blocks", () => {
  const to = stage({}, list);
  const parts: Uint8Array[] = [];
  let szx = 6;
  for (let num = 0; ; num++) {
    const options = [
      ...path(".well-known", "core"),
      ...(num === 0 ? [] : [block(OPTION.block2, { num, more: false, szx })]),
    ];
    to.receive(message({ messageId: num, options }));
    const { options: own, payload } = read(to.datagrams()[0]);
    const found = blockOption(own, OPTION.block2);
    assert.ok(found !== undefined);
    assert.equal(uintOption(own, OPTION.size2), LIST.length);
    szx = found.szx;
    parts.push(payload);
    if (!found.more) break;
  }
  assert.deepEqual(Buffer.concat(parts), LIST);
  assert.equal(to.endpoint.state.proved, 0);
});

test("one that asks for a large block at an offset gets the beginning of that block", () => {
  const to = stage({}, list);
  to.receive(message({ options: [block(OPTION.block2, { num: 2, more: false, szx: 6 })] }));
  const { options, payload } = read(to.datagrams()[0]);
  assert.deepEqual(blockOption(options, OPTION.block2), { num: 32, more: true, szx: 2 });
  assert.deepEqual(Buffer.from(payload), LIST.subarray(2048, 2048 + 64));
});

test("one that echoes what came with the first block is proved, and gets large ones", () => {
  const to = stage({}, list);
  to.receive(message({ messageId: 1 }));
  const echo = echoOf(to.datagrams()[0]);
  assert.ok(echo !== undefined);
  to.receive(message({ messageId: 2, options: [echo] }), { peer: peerAt(5001) });
  assert.ok((to.datagrams()[0]?.length ?? 0) < 200, "it is not for others");
  to.receive(message({ messageId: 2, options: [echo] }));
  assert.equal(read(to.datagrams()[0]).payload.length, 1024);
  to.receive(message({ messageId: 3 }));
  const [sent] = to.datagrams();
  assert.equal(read(sent).payload.length, 1024, "from now on");
  assert.deepEqual([echoOf(sent), to.endpoint.state.proved], [undefined, 1]);
});

test("one with an identity, or that has acknowledged a message, gets large ones", () => {
  const to = stage({ separateAfter: 1000 });
  to.receive(message({ messageId: 1 }), { peer: known(peerAt(1)) });
  to.respond(list());
  assert.equal(read(to.datagrams()[0]).payload.length, 1024);
  to.receive(message({ messageId: 2 }));
  to.wait(1000);
  to.respond({ code: "2.05" });
  to.reply("ACK", read(to.datagrams()[0]).messageId);
  to.receive(message({ messageId: 3 }));
  to.respond(list());
  assert.equal(read(to.datagrams()[0]).payload.length, 1024);
});

test("a peer that is gone is not proved any more", () => {
  const to = stage({}, list);
  to.receive(message({ messageId: 1 }));
  const echo = echoOf(to.datagrams()[0]);
  assert.ok(echo !== undefined);
  to.receive(message({ messageId: 2, options: [echo] }));
  assert.equal(to.endpoint.state.proved, 1);
  to.gone(PEER);
  assert.equal(to.endpoint.state.proved, 0);
});

test("what a POST answers is fetched in small blocks, and was done once", () => {
  const to = stage({}, () => ({ code: "2.04", payload: "x".repeat(150) }));
  const sizes = [0, 1, 2].map((num) => {
    const options = num === 0 ? [] : [block(OPTION.block2, { num, more: false, szx: 2 })];
    to.receive(message({ code: "0.02", messageId: num, options }));
    return read(to.datagrams()[0]).payload.length;
  });
  assert.deepEqual([sizes, to.requests.length], [[64, 64, 22], 1]);
});

test("a challenge does not go out in a message that is sent again and again (RFC 9175 2.4)", () => {
  const to = stage();
  to.receive(message());
  to.wait(1000);
  to.respond(list());
  const [sent] = to.datagrams();
  assert.deepEqual([read(sent).type, echoOf(sent)], ["CON", undefined]);
});

test("an error is sent without its explanation where that is too long", () => {
  const to = stage({}, () => ({ code: "4.00", options: [uint(OPTION.contentFormat, 0)], payload: "why ".repeat(50) }));
  to.receive(message());
  const { code, options, payload } = read(to.datagrams()[0]);
  assert.deepEqual([code, options.map(({ number }) => number), payload.length], ["4.00", [OPTION.echo], 0]);
});

test("where not even the options fit, a GET is challenged, and what was done is not done again", () => {
  const long = (): CoapResponse => ({ code: "2.05", options: path("x".repeat(200)), payload: "y" });
  const to = stage({}, long);
  to.receive(message({ messageId: 1 }));
  const [challenged] = to.datagrams();
  assert.deepEqual([read(challenged).code, echoOf(challenged)?.value.length], ["4.01", 8]);
  to.receive(message({ messageId: 2, code: "0.02" }));
  assert.equal(read(to.datagrams()[0]).code, "2.05");
});

test("always: nothing reaches the handler before its sender has shown where it is", () => {
  const to = stage({ echo: "always" }, () => ({ code: "2.04" }));
  const request = { code: "0.03", payload: Buffer.from("1") } as const;
  assert.equal(to.receive(message({ ...request, messageId: 1 })), "challenged");
  const [challenged] = to.datagrams();
  const echo = echoOf(challenged);
  assert.ok(echo !== undefined);
  assert.deepEqual([read(challenged).code, to.requests.length], ["4.01", 0]);
  assert.equal(
    to.receive(message({ ...request, messageId: 2, options: [{ ...echo, value: new Uint8Array(8) }] })),
    "challenged",
  );
  to.datagrams();
  assert.equal(to.receive(message({ ...request, messageId: 3, options: [echo] })), "request");
  assert.equal(read(to.datagrams()[0]).code, "2.04");
  assert.equal(to.receive(message({ ...request, messageId: 4 })), "request");
  assert.equal(to.receive(message({ ...request, messageId: 4 }), { peer: known(peerAt(1)) }), "request");
  to.wait(600_000);
  assert.equal(to.receive(message({ ...request, messageId: 5 })), "challenged", "once in 600 s");
});

test("always: a group is asked by who knows none of its members", () => {
  const to = stage({ echo: "always" }, list);
  assert.equal(to.receive(message({ type: "NON" }), { multicast: true }), "request");
});

test("off: all are served as they ask", () => {
  const to = stage({ echo: "off" }, list);
  to.receive(message());
  const [sent] = to.datagrams();
  assert.deepEqual([read(sent).payload.length, echoOf(sent)], [1024, undefined]);
});
