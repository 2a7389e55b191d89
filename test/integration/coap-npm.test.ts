import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { Agent, createServer, type IncomingMessage, type OutgoingMessage, request, type Server } from "coap";
import { type IncomingResponse, openEndpoint } from "../../src/protocols/coap/index.js";
import { openUdp } from "../../src/protocols/datagram/index.js";
import { createStore } from "../support/coap-store.js";
import { eventually } from "../support/eventually.js";

/** npm's coap, both ways. What it does wrong itself is kept out of here: it is a peer in the field like others. */

const LARGE = Buffer.from(Array.from({ length: 20_000 }, (_, index) => 0x20 + ((index * 7 + (index >> 8)) % 95)));

async function open(context: TestContext) {
  const store = createStore();
  const transport = await openUdp({ host: "127.0.0.1", port: 0 });
  const service = openEndpoint(transport, { handler: store.handler });
  const agent = new Agent({ type: "udp4" });
  context.after(async () => {
    agent.close();
    await service.close();
  });
  const ask = async (
    method: "GET" | "POST" | "PUT" | "DELETE",
    pathname: string,
    body?: Uint8Array,
  ): Promise<{ readonly code: string; readonly payload: Uint8Array }> => {
    const asking = request({ hostname: "127.0.0.1", port: transport.local.port, method, pathname, agent });
    // It cuts a body only where it is told to: the number is the size exponent, of 1024 bytes.
    if (body !== undefined && body.length > 1024) asking.setOption("Block1", Buffer.of(0x06));
    const answered = once(asking, "response") as Promise<[IncomingMessage]>;
    asking.end(body === undefined ? undefined : Buffer.from(body));
    const [{ code, payload }] = await answered;
    return { code, payload: Uint8Array.from(payload) };
  };
  return { store, service, agent, ask, port: transport.local.port };
}

test("npm coap's client creates, reads, changes and removes", async (context) => {
  const { ask } = await open(context);
  const said = async (...args: Parameters<typeof ask>): Promise<string> => {
    const { code, payload } = await ask(...args);
    return `${code} ${Buffer.from(payload)}`.trim();
  };
  assert.equal(await said("GET", "/a"), "4.04");
  assert.equal(await said("PUT", "/a", Buffer.from("one")), "2.01");
  assert.equal(await said("GET", "/a"), "2.05 one");
  assert.equal(await said("POST", "/a", Buffer.from("two")), "2.04");
  assert.equal(await said("GET", "/a"), "2.05 two");
  assert.equal(await said("DELETE", "/a"), "2.02");
});

test("npm coap's client puts and gets 20 kB in blocks", async (context) => {
  const { ask, store } = await open(context);
  assert.equal((await ask("PUT", "/large", LARGE)).code, "2.01");
  assert.deepEqual(store.resources.get("large"), Uint8Array.from(LARGE));
  const { code, payload } = await ask("GET", "/large");
  assert.equal(code, "2.05");
  assert.equal(Buffer.compare(payload, LARGE), 0);
});

test("npm coap's client observes and hears each state", async (context) => {
  const { store, agent, port } = await open(context);
  await store.set("state", "0");
  const states: string[] = [];
  const asking = request({ hostname: "127.0.0.1", port, pathname: "/state", observe: true, agent });
  asking.on("response", (stream) => {
    stream.on("data", (state: Buffer) => states.push(state.toString()));
  });
  asking.end();
  await eventually(() => states.length === 1, "the first state came");
  for (const state of ["1", "2", "3"]) {
    await store.set("state", state);
    await eventually(() => states.at(-1) === state, `state ${state} came`);
  }
  assert.deepEqual(states, ["0", "1", "2", "3"]);
});

/** npm's server on a socket of its own, and a client of ours. */
async function serve(context: TestContext, answer: (asked: IncomingMessage, response: OutgoingMessage) => void) {
  const server: Server = createServer(answer);
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  await new Promise<void>((resolve) => server.listen(socket, () => resolve()));
  const endpoint = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0 }), { maxAnswer: 200_000 });
  context.after(async () => {
    await endpoint.close();
    server.close();
    socket.close();
  });
  return { endpoint, peer: await endpoint.connect({ address: "127.0.0.1", port: socket.address().port }) };
}

const textOf = ({ payload }: IncomingResponse): string => Buffer.from(payload).toString();

test("npm coap's server answers, at once and separately", async (context) => {
  const { endpoint, peer } = await serve(context, (asked, response) => {
    response.code = asked.method === "GET" ? "2.05" : "2.04";
    const answer = (): void => void response.end(`${asked.method} ${asked.url} ${asked.payload}`);
    if (asked.url === "/slow") setTimeout(answer, 300);
    else answer();
  });
  const get = await endpoint.request(peer, { method: "0.01", path: ["a", "b"], query: ["c=1"] });
  assert.equal(`${get.code} ${textOf(get)}`, "2.05 GET /a/b?c=1 ");
  const post = await endpoint.request(peer, { method: "0.02", path: ["a"], payload: Buffer.from("x") });
  assert.equal(`${post.code} ${textOf(post)}`, "2.04 POST /a x");
  const slow = await endpoint.request(peer, { method: "0.01", path: ["slow"] });
  assert.equal(textOf(slow), "GET /slow ");
  const non = await endpoint.request(peer, { method: "0.01", path: ["a"], confirmable: false });
  assert.equal(textOf(non), "GET /a ");
});

test("npm coap's server gives 20 kB in blocks, and takes what is no longer than one", async (context) => {
  let got: Uint8Array = new Uint8Array(0);
  const { endpoint, peer } = await serve(context, (asked, response) => {
    if (asked.method === "PUT") got = asked.payload;
    response.code = asked.method === "PUT" ? "2.04" : "2.05";
    response.end(asked.method === "PUT" ? "" : LARGE);
  });
  // It knows a body in blocks by its token, which changes with each block of ours, as of libcoap's (RFC 7959 2.4, 3.2).
  const body = LARGE.subarray(0, 1024);
  const put = await endpoint.request(peer, { method: "0.03", path: ["large"], payload: body });
  assert.equal(put.code, "2.04");
  assert.equal(Buffer.compare(got, body), 0);
  const { payload } = await endpoint.request(peer, { method: "0.01", path: ["large"] });
  assert.equal(Buffer.compare(payload, LARGE), 0);
});

test("npm coap's server is observed", async (context) => {
  const { endpoint, peer } = await serve(context, (asked, response) => {
    if (asked.headers["Observe"] !== 0) return void response.end("once");
    let state = 0;
    response.write("0");
    const timer = setInterval(() => {
      state++;
      response.write(String(state));
      if (state === 3) clearInterval(timer);
    }, 50);
    response.on("finish", () => clearInterval(timer));
    context.after(() => clearInterval(timer));
  });
  const states: string[] = [];
  const observation = endpoint.observe(
    peer,
    { method: "0.01", path: ["state"] },
    {
      next: (state) => void states.push(textOf(state)),
      ended: (why) => assert.fail(String(why)),
    },
  );
  await eventually(() => states.at(-1) === "3", "the last state came");
  assert.deepEqual(states, ["0", "1", "2", "3"]);
  await observation.cancel();
});
