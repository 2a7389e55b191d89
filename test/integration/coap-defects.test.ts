import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import {
  CoapError,
  encodeMessage,
  type Message,
  OPTION,
  openEndpoint,
  parseMessage,
} from "../../src/protocols/coap/index.js";
import { emptyMessage } from "../../src/protocols/coap/message.js";
import { block } from "../../src/protocols/coap/options.js";
import { openUdp } from "../../src/protocols/datagram/index.js";
import { createStore } from "../support/coap-store.js";

/** What npm's coap 1.5.0 gets wrong, over real sockets: each of it ends, misleads or fills a process there. */

const EMPTY = new Uint8Array(0);

async function bind(context: TestContext, address = "127.0.0.1"): Promise<Socket> {
  const socket = createSocket("udp4");
  context.after(() => socket.close());
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}

async function serve(context: TestContext) {
  const store = createStore();
  const transport = await openUdp({ host: "0.0.0.0", port: 0 });
  const failures: unknown[] = [];
  const service = openEndpoint(transport, { handler: store.handler, onFailure: (why) => failures.push(why) });
  context.after(async () => {
    await service.close();
    assert.deepEqual(failures, []);
  });
  const socket = await bind(context, "127.0.0.2");
  let messageId = 0;
  const ask = async (parts: Partial<Message> | Uint8Array): Promise<Message> => {
    const base = { type: "CON", code: "0.03", token: EMPTY, options: [], payload: EMPTY } as const;
    const bytes = parts instanceof Uint8Array ? parts : encodeMessage({ ...base, messageId: ++messageId, ...parts });
    const answered = once(socket, "message") as Promise<[Buffer, RemoteInfo]>;
    socket.send(bytes, transport.local.port, "127.0.0.1");
    const [answer] = await answered;
    const parsed = parseMessage(answer);
    assert.ok(parsed.ok);
    return parsed.message;
  };
  return { store, service, ask };
}

const path = (name: string) => ({ number: OPTION.uriPath, value: Buffer.from(name) });

for (const tokens of ["that change with each block, as libcoap's do", "that are empty"]) {
  test(`defect 3: a body in blocks with tokens ${tokens} is put together`, async (context) => {
    const { store, ask } = await serve(context);
    for (const [num, more] of [
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      const { code } = await ask({
        token: tokens.includes("empty") ? EMPTY : Uint8Array.of(num + 1),
        options: [path("body"), block(OPTION.block1, { num, more, szx: 0 })],
        payload: new Uint8Array(16).fill(0x30 + num),
      });
      assert.equal(code, more ? "2.31" : "2.01");
    }
    assert.equal(
      Buffer.from(store.resources.get("body") ?? EMPTY).toString(),
      "0".repeat(16) + "1".repeat(16) + "2".repeat(16),
    );
  });
}

test("defect 6: a critical option that is unknown refuses the request", async (context) => {
  const { store, ask } = await serve(context);
  const { code } = await ask({ options: [path("x"), { number: 9, value: EMPTY }] });
  assert.equal(code, "4.02");
  assert.equal(store.asked.length, 0);
});

test("defect 7: what is malformed is reset where it came from", async (context) => {
  const { store, ask } = await serve(context);
  // A payload marker with nothing behind it. `ask` hears on 127.0.0.2 only.
  const { type, messageId } = await ask(Uint8Array.of(0x40, 1, 0, 77, 0xff));
  assert.deepEqual([type, messageId], ["RST", 77]);
  assert.equal(store.asked.length, 0);
});

test("defect 8: a ping is answered with a reset, and is no request", async (context) => {
  const { store, service, ask } = await serve(context);
  const { type, messageId } = await ask(emptyMessage("CON", 78));
  assert.deepEqual([type, messageId, store.asked.length, service.counters.ping], ["RST", 78, 0, 1]);
});

/** A server that answers each request with what is given, and our client of it. */
async function ask(
  context: TestContext,
  answer: (asked: Message, count: number) => Partial<Message>,
  from?: Socket,
  timeout = 10_000,
) {
  const socket = await bind(context);
  let count = 0;
  socket.on("message", (bytes, { port, address }) => {
    const parsed = parseMessage(bytes);
    if (!parsed.ok || parsed.message.code === "0.00") return;
    const { messageId, token } = parsed.message;
    const base = { type: "ACK", code: "2.05", messageId, token, options: [], payload: EMPTY } as const;
    (from ?? socket).send(encodeMessage({ ...base, ...answer(parsed.message, count++) }), port, address);
  });
  const endpoint = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0 }));
  context.after(() => endpoint.close());
  const peer = await endpoint.connect({ address: "127.0.0.1", port: socket.address().port });
  const answered = endpoint.request(peer, { method: "0.01", path: ["x"] }, { timeout });
  return { answered, endpoint, asked: () => count };
}

test("defect 2: an answer with a Block1 option of no bytes, which is legal, is an answer; of four bytes it is refused", async (context) => {
  const empty = { number: OPTION.block1, value: EMPTY };
  const legal = await ask(context, () => ({ options: [empty], payload: Buffer.from("here") }));
  assert.equal(Buffer.from((await legal.answered).payload).toString(), "here");
  const wrong = await ask(context, () => ({ options: [{ number: OPTION.block1, value: new Uint8Array(4) }] }));
  await assert.rejects(wrong.answered, (error) => error instanceof CoapError && error.code === "OPTION");
});

test("defect 4: a server that has always more is given up at the bound of the answer", async (context) => {
  const { answered, asked } = await ask(context, (_, num) => ({
    options: [block(OPTION.block2, { num, more: true, szx: 6 })],
    payload: new Uint8Array(1024),
  }));
  await assert.rejects(answered, (error) => error instanceof CoapError && error.code === "TOO_LARGE");
  assert.ok(asked() <= 65, `${asked()} exchanges`);
});

test("defect 5: an answer from another port is none", async (context) => {
  const stranger = await bind(context);
  const { answered, endpoint } = await ask(context, () => ({ payload: Buffer.from("forged") }), stranger, 300);
  await assert.rejects(answered, (error) => error instanceof CoapError && error.code === "TIMEOUT");
  assert.ok(endpoint.counters.stray > 0);
});
