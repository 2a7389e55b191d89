import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { type IncomingResponse, openEndpoint, parseLinks } from "../../src/protocols/coap/index.js";
import { openUdp, type Peer } from "../../src/protocols/datagram/index.js";
import { createStore } from "../support/coap-store.js";
import { eventually } from "../support/eventually.js";
import { askByLibcoap, payloadFile, startLibcoapServer } from "../support/libcoap.js";
import { needs } from "../support/peers.js";

const LARGE = Buffer.from(Array.from({ length: 100_000 }, (_, index) => 0x20 + ((index * 7 + (index >> 8)) % 95)));
const CLIENT = needs("coap-client-notls");
const SERVER = needs("coap-server-notls");

async function open(context: TestContext) {
  const store = createStore();
  const transport = await openUdp({ host: "127.0.0.1", port: 0 });
  const failures: unknown[] = [];
  const service = openEndpoint(transport, {
    handler: store.handler,
    maxBody: 200_000,
    onFailure: (why) => failures.push(why),
  });
  context.after(async () => {
    await service.close();
    assert.deepEqual(failures, []);
  });
  return { store, service, uri: (path: string) => `coap://127.0.0.1:${transport.local.port}/${path}` };
}

for (const program of ["coap-client-notls", "coap-client-openssl", "coap-client-gnutls"] as const) {
  test(`${program} creates, reads, changes and removes`, needs(program), async (context) => {
    const { store, uri } = await open(context);
    const ask = async (...args: string[]) => {
      const { codes, payload } = await askByLibcoap(uri("a/b"), args, program);
      return [...codes, payload.trim()].join(" ");
    };
    assert.equal(await ask("-m", "get"), "4.04 ");
    assert.equal(await ask("-m", "put", "-e", "one"), "2.01 ");
    assert.equal(await ask("-m", "get"), "2.05 one");
    assert.equal(await ask("-m", "post", "-e", "two"), "2.04 ");
    assert.equal(await ask("-m", "get", "-N"), "2.05 two");
    assert.equal(await ask("-m", "fetch", "-e", "which"), "2.05 which");
    assert.equal(await ask("-m", "delete"), "2.02 ");
    assert.equal(store.resources.size, 0);
  });
}

for (const size of [undefined, "1024", "256", "64"]) {
  const block = size === undefined ? [] : ["-b", size];
  const named = size === undefined ? "of its own choice" : `of ${size}`;
  test(`libcoap's client puts 100 kB in blocks ${named}, and gets them`, CLIENT, async (context) => {
    const { store, uri } = await open(context);
    const put = await askByLibcoap(uri("large"), ["-m", "put", ...block, "-f", await payloadFile(context, LARGE)]);
    assert.equal(put.codes.at(-1), "2.01", put.text.slice(-2000));
    assert.deepEqual(store.resources.get("large"), Uint8Array.from(LARGE));
    const file = await payloadFile(context, "");
    const got = await askByLibcoap(uri("large"), ["-m", "get", ...block, "-o", file]);
    assert.ok(
      got.codes.every((code) => code === "2.05"),
      got.text.slice(-2000),
    );
    assert.equal(Buffer.compare(await readFile(file), LARGE), 0);
  });
}

test("libcoap's client observes, hears each state, and takes its leave", CLIENT, async (context) => {
  const { store, uri } = await open(context);
  await store.set("state", "first");
  const observing = askByLibcoap(uri("state"), ["-s", "3", "-w"]);
  await eventually(() => store.observers("state") === 1, "it observes");
  // One that is on its way would be superseded by the next.
  for (const state of ["second", "third"]) await store.set("state", state);
  const { payload } = await observing;
  assert.match(payload, /first\s+second\s+third/);
  await eventually(() => store.observers("state") === 0, "it observes no more");
});

test("libcoap's client hears nothing where it asked for no response (RFC 7967)", CLIENT, async (context) => {
  const { store, uri } = await open(context);
  const args = ["-N", "-m", "put", "-e", "x", "-O", "258,0x1a", "-B", "2"];
  const { codes, text } = await askByLibcoap(uri("quiet"), args);
  assert.deepEqual(codes, [], text);
  assert.equal(Buffer.from(store.resources.get("quiet") ?? []).toString(), "x");
});

test("libcoap's client pings while it waits (RFC 7252 4.3)", CLIENT, async (context) => {
  const { store, service, uri } = await open(context);
  await store.set("state", "x");
  await askByLibcoap(uri("state"), ["-s", "4", "-K", "1"]);
  assert.ok(service.counters.ping > 0);
  assert.equal(store.asked.filter(({ method }) => method !== "0.01").length, 0);
});

test("libcoap's client filters what there is (RFC 6690 4.1)", CLIENT, async (context) => {
  const { store, uri } = await open(context);
  for (const path of ["a/1", "a/2", "b/1"]) await store.set(path, "x");
  const { payload } = await askByLibcoap(uri(".well-known/core?href=/a*"));
  assert.equal(payload.trim(), "</a/1>;ct=0;obs,</a/2>;ct=0;obs");
});

async function client(context: TestContext) {
  const { port } = await startLibcoapServer(context, ["-d", "10"]);
  const endpoint = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0 }), { maxAnswer: 200_000 });
  context.after(() => endpoint.close());
  const peer: Peer = await endpoint.connect({ address: "127.0.0.1", port });
  return { endpoint, peer };
}

const textOf = ({ payload }: IncomingResponse): string => Buffer.from(payload).toString();

test("libcoap's server: read, create, change, remove", SERVER, async (context) => {
  const { endpoint, peer } = await client(context);
  const ask = async (method: "0.01" | "0.03" | "0.04", body?: string) => {
    const payload = body === undefined ? {} : { payload: Buffer.from(body) };
    const answer = await endpoint.request(peer, { method, path: ["new"], ...payload });
    return `${answer.code} ${answer.code.startsWith("2") ? textOf(answer) : ""}`.trim();
  };
  assert.match(textOf(await endpoint.request(peer, { method: "0.01", path: [] })), /test server made with libcoap/);
  assert.equal(await ask("0.01"), "4.04");
  assert.equal(await ask("0.03", "one"), "2.01");
  assert.equal(await ask("0.01"), "2.05 one");
  assert.equal(await ask("0.03", "two"), "2.04");
  assert.equal(await ask("0.01"), "2.05 two");
  assert.equal(await ask("0.04"), "2.02");
  assert.equal(await ask("0.01"), "4.04");
  await endpoint.ping(peer);
});

test("libcoap's server: non-confirmable requests", SERVER, async (context) => {
  const { endpoint, peer } = await client(context);
  const answer = await endpoint.request(peer, { method: "0.01", path: [], confirmable: false });
  assert.equal(answer.code, "2.05");
});

test("libcoap's server: 100 kB up and down in blocks", SERVER, async (context) => {
  const { endpoint, peer } = await client(context);
  const put = await endpoint.request(peer, { method: "0.03", path: ["example_data"], payload: LARGE });
  assert.match(put.code, /^2\.0[14]$/);
  const { code, payload } = await endpoint.request(peer, { method: "0.01", path: ["example_data"] });
  assert.equal(code, "2.05");
  assert.equal(Buffer.compare(payload, LARGE), 0);
});

test("libcoap's server answers separately", SERVER, async (context) => {
  const { endpoint, peer } = await client(context);
  const answer = await endpoint.request(peer, { method: "0.01", path: ["async"], query: ["1"] });
  assert.equal(textOf(answer), "done");
});

test("libcoap's server: its clock is observed until it is cancelled", SERVER, async (context) => {
  const { endpoint, peer } = await client(context);
  const states: string[] = [];
  const observation = endpoint.observe(
    peer,
    { method: "0.01", path: ["time"] },
    {
      next: (state) => void states.push(textOf(state)),
      ended: (why) => assert.fail(String(why)),
    },
  );
  await eventually(() => new Set(states).size >= 3, "three states came");
  await observation.cancel();
  const before = states.length;
  // The clock ticks once a second: by then one more would have come.
  assert.equal(textOf(await endpoint.request(peer, { method: "0.01", path: ["async"], query: ["2"] })), "done");
  assert.equal(states.length, before);
});

test("libcoap's server says what it has", SERVER, async (context) => {
  const { endpoint, peer } = await client(context);
  const answer = await endpoint.request(peer, { method: "0.01", path: [".well-known", "core"] });
  const links = parseLinks(answer.payload);
  assert.ok(links.ok);
  assert.deepEqual(
    links.links.find(({ target }) => target === "/time"),
    { target: "/time", if: ["clock"], rt: ["ticks"], title: "Internal Clock", ct: [0], obs: true },
  );
  const filtered = await endpoint.request(peer, { method: "0.01", path: [".well-known", "core"], query: ["rt=tick*"] });
  assert.match(textOf(filtered), /^<\/time>;[^<]*$/);
});
