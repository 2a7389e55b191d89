import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutgoingRequest } from "../../../../../src/protocols/coap/client/client.js";
import { OPTION, parseMessage } from "../../../../../src/protocols/coap/index.js";
import { uintOption } from "../../../../../src/protocols/coap/options.js";
import { known, PEER } from "../server/stage.js";
import { asking, GET, parts } from "./stage.js";

const put = (size: number): OutgoingRequest => ({ method: "0.03", path: ["options"], payload: new Uint8Array(size) });

test("RFC 7959 figure 2: a large answer is fetched block by block", () => {
  const { ask, receive, responses } = asking();
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 0 01 block2=0/1/128 *128"), ["response", "CON 0.01 1 02 block2=1/0/128"]);
  assert.deepEqual(receive("ACK 2.05 1 02 block2=1/1/128 *128"), ["response", "CON 0.01 2 03 block2=2/0/128"]);
  assert.deepEqual(receive("ACK 2.05 2 03 block2=2/0/128 end"), ["response", "1= 2.05 259 B"]);
  const [whole] = responses;
  assert.equal(Buffer.from(whole?.payload ?? []).toString(), `${"*".repeat(256)}end`);
  assert.deepEqual(
    whole?.options.filter(({ number }) => number === OPTION.block2),
    [],
  );
});

test("RFC 7959 figure 4: each block may be lost, or come in a message of its own", () => {
  const { ask, receive, wait } = asking();
  ask(GET);
  receive("ACK 2.05 0 01 block2=0/1/64 *64");
  assert.deepEqual(wait(2000), ["CON 0.01 1 02 block2=1/0/64"]);
  receive("ACK 0.00 1");
  assert.deepEqual(receive("CON 2.05 9 02 block2=1/1/64 *64"), [
    "response",
    "ACK 0.00 9",
    "CON 0.01 2 03 block2=2/0/64",
  ]);
  assert.deepEqual(receive("CON 2.05 10 03 block2=2/0/64 end"), ["response", "ACK 0.00 10", "1= 2.05 131 B"]);
});

test("a server may go over to smaller blocks, not to larger ones", () => {
  const { ask, receive } = asking();
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 0 01 block2=0/1/64 *64").at(-1), "CON 0.01 1 02 block2=1/0/64");
  assert.deepEqual(receive("ACK 2.05 1 02 block2=4/1/16 *16").at(-1), "CON 0.01 2 03 block2=5/0/16");
  assert.deepEqual(receive("ACK 2.05 2 03 block2=5/0/16 end").at(-1), "1= 2.05 83 B");
  ask(GET);
  receive("ACK 2.05 3 04 block2=0/1/16 *16");
  receive("ACK 2.05 4 05 block2=1/1/16 *16");
  assert.deepEqual(receive("ACK 2.05 5 06 block2=1/0/32 *32").at(-1), "2! BLOCKS", "though it begins where it should");
});

for (const [what, first, second] of [
  ["begins with another block", "block2=1/1/16 *16", undefined],
  ["has a size that is reserved", "block2=0/1/2048 *2048", undefined],
  ["is short though more come", "block2=0/1/16 *15", undefined],
  ["is longer than it says", "block2=0/0/16 *17", undefined],
  ["comes again", "block2=0/1/16 *16", "block2=0/1/16 *16"],
  ["leaves one out", "block2=0/1/16 *16", "block2=2/1/16 *16"],
  ["does not say which it is", "block2=0/1/16 *16", "rest"],
] as const) {
  test(`an answer of which a block ${what} is BLOCKS`, () => {
    const { ask, receive, endpoint } = asking();
    ask(GET);
    let last = receive(`ACK 2.05 0 01 ${first}`);
    if (second !== undefined) last = receive(`ACK 2.05 1 02 ${second}`);
    assert.deepEqual(last, ["response", "1! BLOCKS"]);
    assert.equal(endpoint.state.requests, 0);
  });
}

test("npm coap asks for ever: a server that always says that there is more comes to an end", () => {
  const { ask, receive } = asking({ maxAnswer: 1000 });
  ask(GET);
  let last: string[] = [];
  let messages = 0;
  for (; messages < 100 && !last.includes("1! TOO_LARGE"); messages++) {
    const token = (messages + 1).toString(16).padStart(2, "0");
    last = receive(`ACK 2.05 ${messages} ${token} block2=${messages}/1/16 *16`);
  }
  assert.equal(messages, 63, "1000 bytes in blocks of 16");
});

test("an answer beyond the bound is TOO_LARGE: in one piece, as announced, or once it is", () => {
  const { ask, receive } = asking({ maxAnswer: 100 });
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 0 01 *101"), ["response", "1! TOO_LARGE"]);
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 1 02 block2=0/1/16 size2=101 *16"), ["response", "2! TOO_LARGE"]);
  ask(GET, { maxBody: 20 });
  receive("ACK 2.05 2 03 block2=0/1/16 *16");
  assert.deepEqual(receive("ACK 2.05 3 04 block2=1/0/16 *16"), ["response", "3! TOO_LARGE"]);
  ask(GET, { maxBody: 101 });
  assert.deepEqual(receive("ACK 2.05 4 05 *101"), ["response", "4= 2.05 101 B"]);
});

test("an answer that changes while it is fetched is fetched anew, three times (RFC 7959 2.4)", () => {
  const { ask, receive } = asking();
  ask(GET);
  receive("ACK 2.05 0 01 block2=0/1/16 etag=01 *16");
  assert.deepEqual(receive("ACK 2.05 1 02 block2=1/0/16 etag=02 end"), ["response", "CON 0.01 2 03 block2=0/0/16"]);
  receive("ACK 2.05 2 03 block2=0/1/16 etag=02 *16");
  assert.deepEqual(receive("ACK 2.05 3 04 block2=1/0/16 etag=02 end"), ["response", `1= 2.05 ${"*".repeat(16)}end`]);
  ask(GET);
  let last: string[] = [];
  for (let id = 4; !last.includes("2! BLOCKS"); id += 2) {
    const token = (number: number): string => number.toString(16).padStart(2, "0");
    receive(`ACK 2.05 ${id} ${token(id + 1)} block2=0/1/16 etag=01 *16`);
    last = receive(`ACK 2.05 ${id + 1} ${token(id + 2)} block2=1/1/16 etag=02 *16`);
    assert.ok(id < 12, "it comes to an end");
  }
});

test("an answer that shrinks, or is no more, while it is fetched is asked for from the beginning", () => {
  const { ask, receive } = asking();
  ask(GET);
  receive("ACK 2.05 0 01 block2=0/1/16 *16");
  assert.deepEqual(receive("ACK 4.00 1 02 no such block"), ["response", "CON 0.01 2 03 block2=0/0/16"]);
  assert.deepEqual(receive("ACK 4.04 2 03 gone"), ["response", "1= 4.04 gone"]);
});

test("the answer to a POST is not asked for anew: it is BLOCKS if it changes, an error if there is one", () => {
  const { ask, receive } = asking();
  const post: OutgoingRequest = { method: "0.02", path: ["t"], payload: Buffer.from("q") };
  assert.deepEqual(ask(post), ["CON 0.02 0 01 q"]);
  assert.deepEqual(receive("ACK 2.04 0 01 block2=0/1/16 etag=01 *16").at(-1), "CON 0.02 1 02 block2=1/0/16");
  assert.deepEqual(receive("ACK 2.04 1 02 block2=1/1/16 etag=02 *16").at(-1), "1! BLOCKS");
  ask(post);
  receive("ACK 2.04 2 03 block2=0/1/16 *16");
  assert.deepEqual(receive("ACK 4.08 3 04 forgotten").at(-1), "2= 4.08 forgotten");
});

test("a FETCH carries its body with each block that it asks for: the body says what (RFC 8132 2)", () => {
  const { ask, receive } = asking();
  ask({ method: "0.05", path: ["t"], payload: Buffer.from("q") });
  assert.deepEqual(receive("ACK 2.05 0 01 block2=0/1/16 *16").at(-1), "CON 0.05 1 02 block2=1/0/16 q");
});

test("RFC 7959 figure 7: a large body goes block by block, with its size; one answer is the answer to all", () => {
  const { ask, receive, sent } = asking();
  assert.deepEqual(ask(put(2500)), ["CON 0.03 0 01 block1=0/1/1024 1024 B"]);
  assert.deepEqual(receive("ACK 2.31 0 01 block1=0/1/1024"), ["response", "CON 0.03 1 02 block1=1/1/1024 1024 B"]);
  assert.deepEqual(receive("ACK 2.31 1 02 block1=1/1/1024"), ["response", "CON 0.03 2 03 block1=2/0/1024 452 B"]);
  assert.deepEqual(receive("ACK 2.04 2 03 block1=2/0/1024 done"), ["response", "1= 2.04 done"]);
  const sizes = sent.map((bytes) => {
    const parsed = parseMessage(bytes);
    return parsed.ok ? uintOption(parsed.message.options, OPTION.size1) : "?";
  });
  assert.deepEqual(sizes, [2500, undefined, undefined]);
});

test("RFC 7959 figure 8: a server that works the blocks in one by one says 2.04 to each", () => {
  const { ask, receive } = asking();
  ask(put(1500));
  assert.deepEqual(receive("ACK 2.04 0 01 block1=0/0/1024").at(-1), "CON 0.03 1 02 block1=1/0/1024 476 B");
  assert.deepEqual(receive("ACK 2.04 1 02 block1=1/0/1024").at(-1), "1= 2.04");
});

test("RFC 7959 figure 9: a server wants smaller blocks; the body goes on where it was", () => {
  const { ask, receive } = asking();
  ask(put(1110));
  assert.deepEqual(receive("ACK 2.31 0 01 block1=0/1/32").at(-1), "CON 0.03 1 02 block1=32/1/32 32 B");
  assert.deepEqual(receive("ACK 2.31 1 02 block1=32/1/32").at(-1), "CON 0.03 2 03 block1=33/1/32 32 B");
  assert.deepEqual(receive("ACK 2.31 2 03 block1=33/1/32").at(-1), "CON 0.03 3 04 block1=34/0/32 22 B");
});

test("RFC 7959 2.9.3: 4.13 with a smaller size begins anew with that, each time smaller, then it is the answer", () => {
  const { ask, receive } = asking();
  assert.deepEqual(ask(put(1000)), ["CON 0.03 0 01 1000 B"], "it fits into one");
  assert.deepEqual(receive("ACK 4.13 0 01 block1=0/1/512").at(-1), "CON 0.03 1 02 block1=0/1/512 512 B");
  assert.deepEqual(receive("ACK 4.13 1 02 block1=0/1/256").at(-1), "CON 0.03 2 03 block1=0/1/256 256 B");
  assert.deepEqual(receive("ACK 4.13 2 03 block1=0/1/256").at(-1), "1= 4.13");
  ask(put(10));
  assert.deepEqual(receive("ACK 4.13 3 04 block1=0/0/16 no").at(-1), "2= 4.13 no", "no block would be smaller");
});

test("RFC 7959 2.9.2: 4.08 begins anew once", () => {
  const { ask, receive } = asking();
  ask(put(1500));
  receive("ACK 2.31 0 01 block1=0/1/1024");
  assert.deepEqual(receive("ACK 4.08 1 02 block1=1/0/1024").at(-1), "CON 0.03 2 03 block1=0/1/1024 1024 B");
  receive("ACK 2.31 2 03 block1=0/1/1024");
  assert.deepEqual(receive("ACK 4.08 3 04 lost again").at(-1), "1= 4.08 lost again");
});

for (const [what, size, answer] of [
  ["2.31 to a body that was whole", 10, "2.31 0 01"],
  ["2.31 to a body that was whole, with a block", 10, "2.31 0 01 block1=0/1/16"],
  ["2.31 without a block", 1500, "2.31 0 01"],
  ["2.04 to the first block without a word of blocks", 1500, "2.04 0 01"],
  ["2.31 to another block", 1500, "2.31 0 01 block1=1/1/1024"],
  ["a reserved size", 1500, "2.31 0 01 block1=0/1/2048"],
] as const) {
  test(`${what} is BLOCKS`, () => {
    const { ask, receive } = asking();
    ask(put(size));
    assert.deepEqual(receive(`ACK ${answer}`), ["response", "1! BLOCKS"]);
  });
}

test("2.31 to the last block is BLOCKS; an error to any block is the answer", () => {
  const { ask, receive } = asking();
  ask(put(1500));
  receive("ACK 2.31 0 01 block1=0/1/1024");
  assert.deepEqual(receive("ACK 2.31 1 02 block1=1/0/1024"), ["response", "1! BLOCKS"]);
  ask(put(1500));
  assert.deepEqual(receive("ACK 4.03 2 03 no"), ["response", "2= 4.03 no"]);
});

test("npm coap throws: an answer with an empty Block1 option, which is legal, is one like others", () => {
  const { ask, receive } = asking();
  const options = [{ number: OPTION.block1, value: new Uint8Array(0) }];
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 0 01 x", { options }), ["response", "1= 2.05 x"]);
  ask(put(1500));
  receive("ACK 2.31 1 02 block1=0/1/1024");
  assert.deepEqual(receive("ACK 2.04 2 03 y", { options }), ["response", "2= 2.04 y"]);
  ask(GET);
  const tooLong = [{ number: OPTION.block1, value: new Uint8Array(4) }];
  assert.deepEqual(receive("ACK 2.05 3 04 x", { options: tooLong }), ["bad_option", "3! OPTION"]);
});

test("RFC 7959 figure 11: a large body, and a large answer to it", () => {
  const { ask, receive } = asking();
  ask({ ...put(1500), method: "0.02" });
  receive("ACK 2.31 0 01 block1=0/1/1024");
  assert.deepEqual(receive("ACK 2.04 1 02 block1=1/0/1024 block2=0/1/128 *128"), [
    "response",
    "CON 0.02 2 03 block2=1/0/128",
  ]);
  assert.deepEqual(receive("ACK 2.04 2 03 block2=1/0/128 end"), ["response", "1= 2.04 131 B"]);
});

test("a transfer goes on before what waits, and ends with the caller's time", () => {
  const { ask, receive, wait, endpoint } = asking();
  ask(GET, { timeout: 5000 });
  ask(GET);
  assert.deepEqual(receive("ACK 2.05 0 01 block2=0/1/16 *16"), ["response", "CON 0.01 1 03 block2=1/0/16"]);
  assert.deepEqual(wait(5000).at(0), "CON 0.01 1 03 block2=1/0/16");
  assert.equal(endpoint.state.requests, 1);
});

test("two bodies to one resource go one after the other, whatever NSTART: no server can mix them", () => {
  const { ask, receive } = asking({ nstart: 9 });
  assert.deepEqual(ask(put(1500)), ["CON 0.03 0 01 block1=0/1/1024 1024 B"]);
  assert.deepEqual(ask(put(1500)), []);
  assert.deepEqual(ask({ ...put(1500), path: ["other"] }).length, 1);
  receive("ACK 2.31 0 01 block1=0/1/1024");
  assert.deepEqual(receive("ACK 2.04 2 03 block1=1/0/1024"), [
    "response",
    "CON 0.03 3 04 block1=0/1/1024 1024 B",
    "1= 2.04",
  ]);
});

test("where messages are secured each body has a tag of its own, its answer's blocks too (RFC 9175 3.4, 3.5.1)", () => {
  const { ask, receive, sent } = asking();
  const peer = known(PEER);
  const tags = (): string[] =>
    sent.splice(0).map((bytes) => {
      const parsed = parseMessage(bytes);
      const tag = parsed.ok ? parsed.message.options.find(({ number }) => number === OPTION.requestTag) : undefined;
      return tag === undefined ? "-" : Buffer.from(tag.value).toString("hex");
    });
  ask(put(1500), {}, peer);
  receive("ACK 2.31 0 01 block1=0/1/1024", { peer });
  receive("ACK 4.08 1 02", { peer });
  receive("ACK 2.31 2 03 block1=0/1/1024", { peer });
  receive("ACK 2.04 3 04 block2=0/1/16 *16", { peer });
  assert.deepEqual(tags(), ["01", "01", "02", "02", "02"]);
  receive("ACK 2.04 4 05 block2=1/0/16 end", { peer });
  ask(put(10), {}, peer);
  assert.deepEqual(tags(), ["-"], "one message cannot be mixed with others");
  ask({ ...put(1500), path: ["plain"] });
  receive("ACK 2.04 5 06 end", { peer });
  assert.deepEqual(tags().at(-1), "-", "where nothing is secured, taking turns is enough");
});

test("RFC 9175 2.3: 4.01 with an Echo is answered by the same request with that Echo, once", () => {
  const { ask, receive, sent } = asking();
  const echo = (): string | undefined => {
    const parsed = parseMessage(sent.at(-1) ?? new Uint8Array(0));
    const option = parsed.ok ? parsed.message.options.find(({ number }) => number === OPTION.echo) : undefined;
    return option && Buffer.from(option.value).toString("hex");
  };
  ask(put(1500));
  assert.deepEqual(receive("ACK 4.01 0 01 echo=aabb").at(-1), "CON 0.03 1 02 block1=0/1/1024 1024 B");
  assert.equal(echo(), "aabb");
  assert.deepEqual(receive("ACK 2.31 1 02 block1=0/1/1024").at(-1), "CON 0.03 2 03 block1=1/0/1024 476 B");
  assert.deepEqual(receive("ACK 4.01 2 03 echo=cc").at(-1), "CON 0.03 3 04 block1=1/0/1024 476 B");
  assert.equal(echo(), "cc", "the first one got too old on the way");
  assert.deepEqual(receive("ACK 4.01 3 04 echo=dd never").at(-1), "1= 4.01 never");
  ask(GET);
  assert.deepEqual(receive("ACK 4.01 4 05 log in").at(-1), "2= 4.01 log in");
});

test("what is asked for with the Block2 option is not given as a request's option", () => {
  const { ask } = asking();
  assert.deepEqual(ask({ ...GET, options: [parts(OPTION.block2, "0/0/64")] }), ["1! INVALID"]);
});
