import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { coap } from "../../adapters/coap/index.js";
import {
  ALL_COAP_NODES,
  CoapError,
  type CoapHandler,
  type IncomingResponse,
  openEndpoint,
} from "../../src/protocols/coap/index.js";
import { openUdp } from "../../src/protocols/datagram/index.js";
import { createStore } from "../support/coap-store.js";
import { freeUdpPort } from "../support/ports.js";

/** Multicast on the loopback interface alone: nothing leaves this machine. */
function loopback(): string {
  for (const [name, infos = []] of Object.entries(networkInterfaces()))
    if (infos.some(({ address }) => address === "127.0.0.1")) return name;
  throw new Error("no interface has 127.0.0.1");
}

const multicast = { groups: [ALL_COAP_NODES.ipv4], interfaces: [loopback()] };
const textOf = ({ payload }: IncomingResponse): string => Buffer.from(payload).toString();

/** A device on 127.0.0.N, which belongs to the group. */
async function device(context: TestContext, last: number, port: number, handler: CoapHandler) {
  const transport = await openUdp({ host: `127.0.0.${last}`, port, multicast });
  const service = openEndpoint(transport, { handler, leisure: 200 });
  context.after(() => service.close());
  return service;
}

/** One that asks groups on the loopback interface. It hears the group on a port of its own: its own question is none to it. */
async function asker(context: TestContext) {
  const endpoint = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0, multicast }));
  context.after(() => endpoint.close());
  return endpoint;
}

test("all who are there are found, each once, with all that they have", async (context) => {
  const port = await freeUdpPort();
  const stores = [1, 2, 3].map(() => createStore());
  for (const [index, store] of stores.entries()) {
    await store.set(`device${index}`, "x");
    // The list of the last one is larger than one block.
    if (index === 2) for (let count = 0; count < 200; count++) await store.set(`resource/${count}`, "x");
    await device(context, index + 1, port, store.handler);
  }
  const endpoint = await asker(context);
  const group = await endpoint.connect({ address: ALL_COAP_NODES.ipv4, port });
  const answers = await endpoint.gather(group, { path: [".well-known", "core"] }, { within: 1500 });
  const found = answers.map((answer) => [answer.peer.address, textOf(answer).slice(0, 11)]);
  assert.deepEqual(found.toSorted(), [
    ["127.0.0.1", "</device0>;"],
    ["127.0.0.2", "</device1>;"],
    ["127.0.0.3", "</device2>;"],
  ]);
  const last = answers.find(({ peer }) => peer.address === "127.0.0.3");
  assert.match(last === undefined ? "" : textOf(last), /<\/resource\/199>/);
});

test("who has nothing to say is silent, and after enough answers no more are waited for", async (context) => {
  const port = await freeUdpPort();
  await device(context, 1, port, async () => ({ code: "4.04" }));
  await device(context, 2, port, async () => ({ code: "2.05", payload: "here" }));
  const endpoint = await asker(context);
  const group = await endpoint.connect({ address: ALL_COAP_NODES.ipv4, port });
  const answers = await endpoint.gather(group, { path: ["a"] }, { within: 60_000, most: 1 });
  assert.deepEqual(answers.map(textOf), ["here"]);
  assert.equal(endpoint.state.gatherings, 0);
});

test("where nobody is, nothing is found; an abort ends it", async (context) => {
  const port = await freeUdpPort();
  const endpoint = await asker(context);
  const group = await endpoint.connect({ address: ALL_COAP_NODES.ipv4, port });
  assert.deepEqual(await endpoint.gather(group, { path: ["a"] }, { within: 100 }), []);
  const controller = new AbortController();
  const asking = endpoint.gather(group, { path: ["a"] }, { within: 60_000, signal: controller.signal });
  controller.abort();
  await assert.rejects(asking, (error) => error instanceof CoapError && error.code === "ABORTED");
  const closing = endpoint.gather(group, { path: ["a"] }, { within: 60_000 });
  await Promise.all([
    assert.rejects(closing, (error) => error instanceof CoapError && error.code === "CLOSED"),
    endpoint.close(),
  ]);
});

test("the gateway is found by those who ask all CoAP nodes, where it is told to be", async (context) => {
  const port = await freeUdpPort();
  const listen = `udp://127.0.0.1:${port}`;
  const settings = coap.settings.parse({ listen, multicast: [loopback()] });
  const [link] = coap.links(settings, [{ id: "air", address: coap.address.parse(undefined), profile: undefined }]);
  assert.ok(link);
  const { signal } = new AbortController();
  const session = await link.adapter.open({ sink: async () => {}, journal: () => {}, now: Date.now, signal });
  context.after(() => session.close());
  const endpoint = await asker(context);
  const group = await endpoint.connect({ address: ALL_COAP_NODES.ipv4, port });
  const answers = await endpoint.gather(group, { path: [".well-known", "core"] }, { within: 10_000, most: 1 });
  assert.match(answers.map(textOf).join(), /<\/air>/);
});
